//! Steps of the gates that look at a running agent from its node, which needs nothing of its image.

use serde_json::{Value, json};

use super::Scenario;
use crate::validate::GateName;

/// What stands for a limit where the manifest sets none.
const UNLIMITED: &str = "none";

/// Whether each place is a mount that cannot be written through. Mounts below one that can be are told and no failure:
/// `readOnly` is about one mount, and not about those in it, which takes `recursiveReadOnly`.
const READ_ONLY: &str = r#"# whether mounts are read-only
awk -v places="$*" '
  { options[$5] = $6 }
  function writable(place) { return options[place] !~ /^ro(,|$)/ }
  END {
    count = split(places, wanted, " ")
    for (i = 1; i <= count; i++) {
      at = wanted[i]
      # Where most images have a symbolic link.
      if (!(at in options)) sub("^/var/run/", "/run/", at)
      if (!(at in options)) { print wanted[i] ": nothing is mounted there" > "/dev/stderr"; failed = 1; continue }
      if (writable(at)) { print wanted[i] ": it can be written" > "/dev/stderr"; failed = 1 }
      below = 0
      for (place in options) if (index(place, at "/") == 1 && writable(place)) {
        if (!below++ || length(place) < length(one) || (length(place) == length(one) && place < one)) one = place
      }
      more = below > 1 ? " and " below - 1 " more" : ""
      if (below) print "note: " one more " below " at " can be written; recursiveReadOnly is for that"
    }
    exit failed
  }' "/proc/$PID/mountinfo"
"#;

/// What a container uses, looked at once a second; where that is too much of its limits, an error. A group of version 1
/// has a folder for each controller, and one of version 2 has one for all.
const USAGE: &str = r#"# what it uses, against its limits
seconds=$1 limit=$2 most=$3 throttled_most=$4
folder() {
  awk -F: -v wanted="$1" '
    { count = split($2, names, ","); for (i = 1; i <= count; i++) if (names[i] == wanted) found = "/sys/fs/cgroup/" wanted $3 }
    $1 == "0" && !found { found = "/sys/fs/cgroup" $3 }
    END { print found }' "/proc/$PID/cgroup"
}
memory=$(folder memory) cpu=$(folder cpu) account=$(folder cpuacct)
field() { awk -v key="$1" '$1 == key { print $2; exit }' "$2"; }
working_set() {
  if [ -f "$memory/memory.current" ]; then
    echo $(( $(cat "$memory/memory.current") - $(field inactive_file "$memory/memory.stat") ))
  else
    echo $(( $(cat "$memory/memory.usage_in_bytes") - $(field total_inactive_file "$memory/memory.stat") ))
  fi
} 2>/dev/null
used() {
  if [ -f "$account/cpuacct.usage" ]; then cat "$account/cpuacct.usage"
  else echo $(( $(field usage_usec "$cpu/cpu.stat") * 1000 )); fi
} 2>/dev/null
now() { awk '{ printf "%d", $1 * 100 }' /proc/uptime; }
count() { found=$(field "$1" "$cpu/cpu.stat" 2>/dev/null); echo "${found:-0}"; }
written() {
  total=0
  for process in $(cat "$memory/cgroup.procs"); do
    bytes=$(field write_bytes: "/proc/$process/io" 2>/dev/null); total=$((total + ${bytes:-0}))
  done
  echo "$total"
}
peak=0 busiest=0 before=$(used) then=$(now) periods=$(count nr_periods) held_back=$(count nr_throttled)
while [ "$seconds" -gt 0 ]; do
  sleep 1
  seconds=$((seconds - 1)) set=$(working_set) total=$(used) time=$(now)
  if [ -z "$set" ] || [ -z "$total" ]; then echo "it ended while it was looked at" >&2; exit 1; fi
  share=$(( (total - before) / ((time - then) * 10000) )) before=$total then=$time
  [ "$set" -le "$peak" ] || peak=$set
  [ "$share" -le "$busiest" ] || busiest=$share
done
periods=$(( $(count nr_periods) - periods )) held_back=$(( $(count nr_throttled) - held_back ))
[ "$periods" -gt 0 ] && held_back=$((held_back * 100 / periods)) || held_back=0
echo "measure: memory $peak bytes"
echo "measure: CPU $busiest milliCpu"
echo "measure: throttled $held_back percent"
echo "measure: written $(written) bytes"
echo "note: effective capabilities $(field CapEff: "/proc/$PID/status")"
failed=0
if [ "$limit" != none ] && [ $((peak * 100)) -gt $((limit * most)) ]; then
  echo "its memory comes to $peak bytes, which is more than $most % of its limit of $limit" >&2; failed=1
fi
if [ "$held_back" -gt "$throttled_most" ]; then
  echo "its CPU limit held it back in $held_back % of the periods, and $throttled_most % is allowed" >&2; failed=1
fi
exit $failed
"#;

impl Scenario<'_> {
    pub(super) fn look(&self) -> String {
        let settled = self.apply(None) + &self.settled();
        if self.gate == GateName::Mounts {
            let places = self.read_only_mounts();
            return settled + &self.beside("mounts", READ_ONLY, &places, "30s");
        }
        let limit = self.candidate.memory_limit().map_or(UNLIMITED.to_owned(), |bytes| bytes.to_string());
        let settings = self.settings;
        let seconds = settings.measure_for.as_secs();
        let words =
            [seconds.to_string(), limit, settings.memory_percent.to_string(), settings.throttled_percent.to_string()];
        let load: String =
            self.candidate.load.iter().map(|load| format!("  - apply: {{file: {}}}\n", json!(load.path))).collect();
        let patience = seconds * 2 + 60;
        settled + &load + &self.beside("usage", USAGE, &words, &format!("{patience}s"))
    }

    /// A step that runs a script on the node of each pod.
    fn beside(&self, name: &str, script: &str, words: &[String], within: &str) -> String {
        let container = &self.candidate.container;
        let script: String = script.lines().map(|line| format!("          {line}\n")).collect();
        let words: String = words.iter().map(|word| format!("        - {}\n", json!(word))).collect();
        format!(
            "  - name: {name}\n    nodeExec:\n      {}\n      container: {container}\n      command:\n        - sh\n        - -c\n        \
             - |\n{script}        - {name}\n{words}    within: {within}\n",
            self.daemon_set().replace(", ", "\n      ")
        )
    }

    /// Where the container has a path of the node that it says it only reads.
    pub(super) fn read_only_mounts(&self) -> Vec<String> {
        let volumes = self.candidate.pod_spec()["volumes"].as_array().into_iter().flatten();
        let of_node: Vec<&Value> =
            volumes.filter(|volume| !volume["hostPath"].is_null()).map(|volume| &volume["name"]).collect();
        let mounts = self.candidate.container_spec()["volumeMounts"].as_array().into_iter().flatten();
        let read_only = mounts.filter(|mount| mount["readOnly"] == true && of_node.contains(&&mount["name"]));
        let paths = read_only.filter_map(|mount| mount["mountPath"].as_str());
        paths.map(|path| if path == "/" { path } else { path.trim_end_matches('/') }.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use super::*;

    /// What the script says of places, with these mounts.
    fn said(mounts: &str, places: &[&str]) -> (Option<i32>, String, String) {
        let script = READ_ONLY.replace("\"/proc/$PID/mountinfo\"", "-");
        assert_ne!(script, READ_ONLY);
        let mut command = Command::new("sh");
        command.args(["-c", &script, "mounts"]).args(places);
        let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        running.stdin.take().unwrap().write_all(mounts.as_bytes()).unwrap();
        let ended = running.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    }

    const MOUNTS: &str = "\
1 0 0:1 / / rw,relatime - overlay overlay rw
2 1 0:2 /log /var/log ro,relatime - ext4 /dev/vda rw
3 1 0:3 / /host/root ro,relatime - ext4 /dev/vda rw
4 3 0:4 / /host/root/run rw,nosuid - tmpfs tmpfs rw
5 1 0:5 / /run/agent ro - tmpfs tmpfs rw
6 1 0:6 / /state rw - ext4 /dev/vda rw
7 1 0:7 / /over ro - ext4 /dev/vda rw
8 1 0:8 / /over rw - tmpfs tmpfs rw
";

    #[test]
    fn a_mount_is_read_only_where_the_last_on_its_place_is() {
        assert_eq!(said(MOUNTS, &["/var/log", "/var/run/agent"]), (Some(0), String::new(), String::new()));
        let (code, _, wrong) = said(MOUNTS, &["/state", "/over", "/nowhere", "/var/log"]);
        assert_eq!(code, Some(1));
        assert_eq!(wrong, "/state: it can be written\n/over: it can be written\n/nowhere: nothing is mounted there\n");
    }

    #[test]
    fn mounts_below_that_can_be_written_are_told_and_no_failure() {
        let told = |mounts: &str| {
            let (code, told, _) = said(mounts, &["/host/root"]);
            assert_eq!(code, Some(0));
            told
        };
        let advice = "can be written; recursiveReadOnly is for that\n";
        assert_eq!(told(MOUNTS), format!("note: /host/root/run below /host/root {advice}"));
        // Nodes differ in the order of their mounts, and the note is the same.
        for more in [["lock/x", "dev"], ["dev", "lock/x"], ["sys", "dev"]] {
            let more = more.map(|place| format!("9 3 0:9 / /host/root/{place} rw - tmpfs tmpfs rw\n"));
            let mounts = format!("{MOUNTS}{}", more.concat());
            assert_eq!(told(&mounts), format!("note: /host/root/dev and 2 more below /host/root {advice}"));
        }
    }
}
