// Only marks the root of the module. The requirements are in versions/<minor>.mod, one file a
// Kubernetes minor, chosen with `go build -modfile`; the Go command then does not read this one.
module rollcall.dev/node/kubernetes

go 1.26.0
