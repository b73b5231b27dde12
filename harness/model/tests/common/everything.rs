//! What follows [`HEAD`](super::HEAD) in a scenario with every verb, condition and invariant.

pub(crate) const EVERYTHING: &str = "    - {name: sim, count: 30, simulated: true, labels: {zone: a}, taints: ['rack=1:NoSchedule'], allocatable: {cpu: 4, memory: 16Gi}, fault: slow, delay: 5s}
    - {name: broken, simulated: true, fault: neverReady}
    - {name: crashing, simulated: true, fault: crash}
images:
  - {name: 'fluentd:latest', use: 'rollcall/agent:1'}
invariants:
  - onePodPerNode: {daemonSet: log-collector}
  - {maxUnavailable: {daemonSet: log-collector, budget: 10%}, from: first, until: last}
  - maxSurge: {daemonSet: log-collector, budget: 1}
  - neverOn: {daemonSet: log-collector, nodeSelector: {zone: a}}
  - {noRestarts: {daemonSet: log-collector}, from: first}
  - {atMostTwoRevisions: {daemonSet: agent, namespace: logging}, until: last}
  - available: {daemonSet: log-collector, least: 2}
  - not: {events: {reason: FailedCreate}}
steps:
  - apply: {file: collector.yaml}
  - name: first
    expect: {converged: {daemonSet: log-collector}, within: 20s}
  - addNodes: {name: gpu, count: 2, labels: {node-type: gpu}, taints: ['dedicated=gpu:NoSchedule']}
  - addNodes: {name: worker-3}
  - stopNode: worker-1
  - startNode: worker-1
  - restartNode: {node: worker-1}
  - pauseNode: worker-2
  - resumeNode: worker-2
  - partitionNode: worker-2
  - healNode: worker-2
  - taint: {node: worker-1, taint: 'maintenance=true:NoExecute'}
  - untaint: {node: worker-1, taint: 'maintenance:NoExecute'}
  - untaint: {node: worker-1, taint: maintenance}
  - label: {node: worker-1, labels: {disk: ssd, 'example.com/zone': a}}
  - unlabel: {node: worker-1, keys: [disk, 'example.com/zone']}
  - cordon: worker-1
  - uncordon: {node: worker-1}
  - drain: worker-1
  - drain: {node: worker-1, ignoreDaemonSets: false, gracePeriod: 0s}
    within: 2m
  - pressure: {node: worker-1, resource: memory}
  - pressure: {node: worker-1, resource: memory, release: true}
  - scaleSimulatedNodes: {name: sim, count: 50}
  - apply: {object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}}
  - apply: {file: collector.yaml, merge: {spec: {minReadySeconds: 3}}}
  - patch: {daemonSet: log-collector, patch: {spec: {minReadySeconds: 2}}}
  - patch: {object: {apiVersion: v1, kind: Node, name: worker-1}, subresource: status, type: json, patch: [{op: remove, path: /x}]}
  - setImage: {daemonSet: log-collector, container: collector, image: 'rollcall/agent:2'}
  - rolloutRestart: {daemonSet: log-collector}
  - rollback: {daemonSet: log-collector, toRevision: 1}
  - rollback: {daemonSet: agent, namespace: logging}
  - deletePod: {daemonSet: log-collector, node: worker-1}
  - killContainer: {daemonSet: log-collector, node: worker-1}
  - killContainer: {daemonSet: log-collector, node: worker-1, container: collector, by: memory}
  - pushImage: {name: 'agent:candidate', use: 'agent:dev'}
  - pullFault: {image: 'agent:candidate', fault: slow, delay: 2s}
  - pullFault: {image: 'agent:candidate', fault: none}
  - exec: {daemonSet: log-collector, node: worker-1, container: collector, command: [cat, /etc/hosts], stdout: localhost}
  - nodeExec: {daemonSet: log-collector, node: worker-1, command: [sh, -c, 'test -d /proc/$PID']}
  - run: kubectl get nodes
  - run: {command: ['false'], exitCode: 1}
  - pause: have a look
  - repeat:
      times: 2
      steps:
        - {name: round, rolloutRestart: {daemonSet: log-collector}}
  - forEach:
      values: {node: [worker-1, worker-2], grace: [1s, 5s]}
      steps:
        - drain: {node: '${node}', gracePeriod: '${grace}'}
  - forEach:
      cases: [{node: worker-1, effect: NoSchedule}, {node: worker-2, effect: NoExecute}]
      steps:
        - taint: {node: '${node}', taint: 'round=${effect}:${effect}'}
  - use: {file: steps/outer.yaml}
  - parallel:
      - [stopNode: worker-2, startNode: worker-2]
      - expect: {rolledOut: {daemonSet: log-collector}}
  - never:
      pods: {daemonSet: log-collector, node: gpu-1, count: 1}
      steps:
        - rolloutRestart: {daemonSet: log-collector}
        - expect: {rolledOut: {daemonSet: log-collector, allowNone: true}}
  - expect:
      all:
        - pods: {daemonSet: log-collector, node: worker-1, count: 1, ready: true, phase: Running, image: 'rollcall/agent:2', revision: current}
        - pods: {daemonSet: log-collector, count: 0, waiting: CrashLoopBackOff, restarts: 3}
        - any:
            - status: {daemonSet: log-collector, desired: 2, misscheduled: 0}
            - not: {nodeReady: {nodes: [worker-1, worker-2], ready: false}}
      within: 1m30s
  - expect: {pods: {daemonSet: agent, namespace: logging, nodeSelector: {disk: ssd}, terminating: false}}
  - expect: {notRestarted: {daemonSet: log-collector, since: first, node: worker-2}}
  - expect: {logs: {daemonSet: log-collector, line: {matches: '^ready'}, anyPod: true}}
  - expect: {exec: {daemonSet: log-collector, command: ['true'], exitCode: 0, stderr: {contains: x}}}
  - expect: {events: {daemonSet: log-collector, reason: SuccessfulCreate, count: 3}}
  - expect: {object: {apiVersion: v1, kind: ConfigMap, name: a, match: {data: {a: b}}}}
  - explain: {daemonSet: log-collector, findings: {worker-1: [image-not-found, probe-failed]}, overall: no-eligible-node, within: 5s}
  - expect: {cel: \"nodes.all(n, has(n.spec.podCIDR))\"}
  - expect: {cel: {expression: \"nodes.size() > 0\", says: there is a node}}
  - removeNode: worker-3
  - delete: {daemonSet: agent, namespace: logging, cascade: orphan}
  - delete: {object: {apiVersion: v1, kind: ConfigMap, name: a}}
  - delete: {file: collector.yaml}
  - name: last
    hold: {nodeReady: {all: true}, for: 500ms}
onFailure:
  - run: [kubectl, get, pods, -A]
  - exec: {daemonSet: log-collector, command: [ps]}
";
