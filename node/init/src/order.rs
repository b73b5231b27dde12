//! In which order processes start and stop. Pure: names and numbers in, indices out.

use crate::config::ProcessSpec;

/// Indices so that each process comes after all those it names in `after`; otherwise in the order written.
///
/// # Errors
///
/// The processes that can never start, because they wait for each other, each in backticks.
pub(crate) fn start_order(processes: &[ProcessSpec]) -> Result<Vec<usize>, Vec<String>> {
    let mut order: Vec<usize> = Vec::with_capacity(processes.len());
    while order.len() < processes.len() {
        let placed = |name: &String| order.iter().any(|&index| processes[index].name == *name);
        let next =
            (0..processes.len()).find(|index| !order.contains(index) && processes[*index].after.iter().all(placed));
        match next {
            Some(index) => order.push(index),
            None => {
                let stuck = (0..processes.len()).filter(|index| !order.contains(index));
                return Err(stuck.map(|index| format!("`{}`", processes[index].name)).collect());
            }
        }
    }
    Ok(order)
}

/// Groups of indices to stop one after the other: by `stopOrder`, and inside a group the last started first.
pub(crate) fn stop_stages(processes: &[ProcessSpec], start_order: &[usize]) -> Vec<Vec<usize>> {
    let mut ranks: Vec<i32> = processes.iter().map(|process| process.stop_order).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let of_rank = |rank| start_order.iter().rev().copied().filter(move |&index| processes[index].stop_order == rank);
    ranks.into_iter().map(|rank| of_rank(rank).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, after: &[&str], stop_order: i32) -> ProcessSpec {
        let text = serde_json::json!({"name": name, "command": ["x"], "after": after, "stopOrder": stop_order});
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_process_starts_after_those_it_names() {
        let processes =
            [process("kubelet", &["containerd", "etcd"], 0), process("etcd", &[], 0), process("containerd", &[], 0)];
        assert_eq!(start_order(&processes), Ok(vec![1, 2, 0]));
    }

    #[test]
    fn only_those_in_the_circle_are_blamed() {
        let processes = [process("a", &[], 0), process("b", &["c"], 0), process("c", &["b"], 0)];
        assert_eq!(start_order(&processes), Err(vec!["`b`".to_owned(), "`c`".to_owned()]));
    }

    #[test]
    fn stopping_goes_by_stop_order_and_then_backwards() {
        let processes =
            [process("containerd", &[], 1), process("kubelet", &["containerd"], 0), process("proxy", &[], 0)];
        let order = start_order(&processes).unwrap();
        assert_eq!(stop_stages(&processes, &order), vec![vec![2, 1], vec![0]]);
    }
}
