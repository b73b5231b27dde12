// Standard library only, so there is no go.sum.
module rollcall.dev/node/pause

go 1.26.0
