// A test double of the `rancher/k3s` image; see README.md.
module rollcall.dev/tests/doubles/k3s

go 1.26

require go.yaml.in/yaml/v3 v3.0.4 // indirect
