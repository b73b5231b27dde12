package contract

// Role is the sub-command.
type Role string

// The two sub-commands that run a node.
const (
	Server Role = "server"
	Agent  Role = "agent"
)

// kind is what a flag takes.
type kind int

const (
	text kind = iota
	number
	boolean
	list
	// textOrList is a flag that takes several values separated by commas too.
	textOrList
)

func (k kind) String() string {
	return [...]string{"a string", "a number", "true or false", "a list of strings", "a string or a list of strings"}[k]
}

// flag is one row of the documented tables.
type flag struct {
	kind     kind
	variable string
	// short is the one-letter form on the command line.
	short string
	// check looks at one value; what it returns says what is wrong.
	check func(string) string
	// acted says that this double does what the flag says.
	acted bool
}

// both are the flags of the page of `k3s agent`, which a server knows too.
var both = map[string]flag{
	"config":                            {kind: text, variable: "K3S_CONFIG_FILE", short: "c", acted: true},
	"debug":                             {kind: boolean, variable: "K3S_DEBUG"},
	"v":                                 {kind: number},
	"vmodule":                           {kind: text},
	"log":                               {kind: text, short: "l"},
	"alsologtostderr":                   {kind: boolean},
	"token":                             {kind: text, variable: "K3S_TOKEN", short: "t", check: isToken, acted: true},
	"token-file":                        {kind: text, variable: "K3S_TOKEN_FILE", acted: true},
	"server":                            {kind: text, variable: "K3S_URL", short: "s", check: isServerURL, acted: true},
	"data-dir":                          {kind: text, variable: "K3S_DATA_DIR", short: "d"},
	"node-name":                         {kind: text, variable: "K3S_NODE_NAME", check: isNodeName, acted: true},
	"with-node-id":                      {kind: boolean},
	"node-label":                        {kind: list, check: isNodeLabel, acted: true},
	"node-taint":                        {kind: list, check: isNodeTaint, acted: true},
	"image-credential-provider-bin-dir": {kind: text},
	"image-credential-provider-config":  {kind: text},
	"selinux":                           {kind: boolean, variable: "K3S_SELINUX"},
	"lb-server-port":                    {kind: number, variable: "K3S_LB_SERVER_PORT"},
	"protect-kernel-defaults":           {kind: boolean},
	"container-runtime-endpoint":        {kind: text},
	"default-runtime":                   {kind: text},
	"image-service-endpoint":            {kind: text},
	"pause-image":                       {kind: text, acted: true},
	"snapshotter":                       {kind: text, acted: true},
	"private-registry":                  {kind: text, acted: true},
	"disable-default-registry-endpoint": {kind: boolean, acted: true},
	"nonroot-devices":                   {kind: boolean},
	"node-ip":                           {kind: textOrList, short: "i", check: isAddress, acted: true},
	"bind-address":                      {kind: text, check: isAddress},
	"node-external-ip":                  {kind: textOrList, check: isAddress},
	"node-internal-dns":                 {kind: textOrList},
	"node-external-dns":                 {kind: textOrList},
	"resolv-conf":                       {kind: text, variable: "K3S_RESOLV_CONF", acted: true},
	"flannel-iface":                     {kind: text},
	"flannel-conf":                      {kind: text},
	"flannel-cni-conf":                  {kind: text},
	"kubelet-arg":                       {kind: list, check: isProgramFlag, acted: true},
	"kube-proxy-arg":                    {kind: list, check: isProgramFlag, acted: true},
	"enable-pprof":                      {kind: boolean},
	"rootless":                          {kind: boolean},
	"prefer-bundled-bin":                {kind: boolean},
	"docker":                            {kind: boolean},
	"vpn-auth":                          {kind: text, variable: "K3S_VPN_AUTH"},
	"vpn-auth-file":                     {kind: text, variable: "K3S_VPN_AUTH_FILE"},
}

// agentOnly are the flags that only the page of `k3s agent` has.
var agentOnly = map[string]flag{
	"disable-apiserver-lb": {kind: boolean},
}

// serverOnly are the flags that only the page of `k3s server` has.
var serverOnly = map[string]flag{
	"https-listen-port":                 {kind: number, acted: true},
	"advertise-address":                 {kind: text, check: isAddress},
	"advertise-port":                    {kind: number},
	"tls-san":                           {kind: list, check: isHost, acted: true},
	"tls-san-security":                  {kind: boolean},
	"cluster-cidr":                      {kind: textOrList, check: isRange, acted: true},
	"service-cidr":                      {kind: textOrList, check: isRange, acted: true},
	"service-node-port-range":           {kind: text, acted: true},
	"cluster-dns":                       {kind: textOrList, check: isAddress, acted: true},
	"cluster-domain":                    {kind: text, acted: true},
	"flannel-backend":                   {kind: text, check: isOneOf("none", "vxlan", "host-gw", "wireguard-native"), acted: true},
	"flannel-ipv6-masq":                 {kind: boolean},
	"flannel-external-ip":               {kind: boolean},
	"egress-selector-mode":              {kind: text, check: isOneOf("agent", "cluster", "pod", "disabled"), acted: true},
	"servicelb-namespace":               {kind: text},
	"write-kubeconfig":                  {kind: text, variable: "K3S_KUBECONFIG_OUTPUT", short: "o", acted: true},
	"write-kubeconfig-mode":             {kind: text, variable: "K3S_KUBECONFIG_MODE", check: isMode, acted: true},
	"write-kubeconfig-group":            {kind: text, variable: "K3S_KUBECONFIG_GROUP"},
	"helm-job-image":                    {kind: text},
	"agent-token":                       {kind: text, variable: "K3S_AGENT_TOKEN", check: isToken, acted: true},
	"agent-token-file":                  {kind: text, variable: "K3S_AGENT_TOKEN_FILE", acted: true},
	"cluster-init":                      {kind: boolean, variable: "K3S_CLUSTER_INIT", acted: true},
	"cluster-reset":                     {kind: boolean, variable: "K3S_CLUSTER_RESET"},
	"cluster-reset-restore-path":        {kind: text},
	"kube-apiserver-arg":                {kind: list, check: isProgramFlag, acted: true},
	"etcd-arg":                          {kind: list, check: isProgramFlag, acted: true},
	"kube-controller-manager-arg":       {kind: list, check: isProgramFlag, acted: true},
	"kube-scheduler-arg":                {kind: list, check: isProgramFlag, acted: true},
	"kube-cloud-controller-manager-arg": {kind: list, check: isProgramFlag},
	"datastore-endpoint":                {kind: text, variable: "K3S_DATASTORE_ENDPOINT"},
	"datastore-cafile":                  {kind: text, variable: "K3S_DATASTORE_CAFILE"},
	"datastore-certfile":                {kind: text, variable: "K3S_DATASTORE_CERTFILE"},
	"datastore-keyfile":                 {kind: text, variable: "K3S_DATASTORE_KEYFILE"},
	"etcd-expose-metrics":               {kind: boolean},
	"etcd-disable-snapshots":            {kind: boolean, acted: true},
	"etcd-snapshot-name":                {kind: text},
	"etcd-snapshot-schedule-cron":       {kind: text},
	"etcd-snapshot-retention":           {kind: number},
	"etcd-snapshot-dir":                 {kind: text},
	"etcd-snapshot-compress":            {kind: boolean},
	"etcd-s3":                           {kind: boolean},
	"etcd-s3-endpoint":                  {kind: text},
	"etcd-s3-endpoint-ca":               {kind: text},
	"etcd-s3-skip-ssl-verify":           {kind: boolean},
	"etcd-s3-access-key":                {kind: text, variable: "AWS_ACCESS_KEY_ID"},
	"etcd-s3-secret-key":                {kind: text, variable: "AWS_SECRET_ACCESS_KEY"},
	"etcd-s3-bucket":                    {kind: text},
	"etcd-s3-region":                    {kind: text},
	"etcd-s3-folder":                    {kind: text},
	"etcd-s3-proxy":                     {kind: text},
	"etcd-s3-config-secret":             {kind: text},
	"etcd-s3-insecure":                  {kind: boolean},
	"etcd-s3-timeout":                   {kind: text},
	"default-local-storage-path":        {kind: text},
	"disable":                           {kind: list, check: isComponent, acted: true},
	"disable-scheduler":                 {kind: boolean, acted: true},
	"disable-cloud-controller":          {kind: boolean, acted: true},
	"disable-kube-proxy":                {kind: boolean, acted: true},
	"disable-network-policy":            {kind: boolean, acted: true},
	"disable-helm-controller":           {kind: boolean, acted: true},
	"disable-agent":                     {kind: boolean},
	"embedded-registry":                 {kind: boolean},
	"supervisor-metrics":                {kind: boolean},
	"system-default-registry":           {kind: text, variable: "K3S_SYSTEM_DEFAULT_REGISTRY"},
	"secrets-encryption":                {kind: boolean},
	"secrets-encryption-provider":       {kind: text, check: isOneOf("aescbc", "secretbox")},
}

// known gives the flags of a sub-command.
func known(role Role) map[string]flag {
	flags := map[string]flag{}
	parts := []map[string]flag{both, agentOnly}
	if role == Server {
		parts = []map[string]flag{both, serverOnly}
	}
	for _, part := range parts {
		for name, row := range part {
			flags[name] = row
		}
	}
	return flags
}

// page is where the flags of a sub-command are documented.
func page(role Role) string {
	if role == Server {
		return PageServer
	}
	return PageAgent
}
