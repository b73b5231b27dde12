//! The faults that use up something: memory that is really touched, and threads that only burn processor time.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const PAGE: usize = 4096;

/// What is being used up right now.
#[derive(Debug, Default)]
pub(crate) struct Load {
    memory: Vec<u8>,
    burners: Vec<Arc<AtomicBool>>,
}

impl Load {
    /// Makes it as much as asked for; does nothing when it is already.
    pub(crate) fn adjust(&mut self, bytes: usize, threads: u8) {
        if self.memory.len() != bytes {
            self.memory = Vec::new();
            self.memory = touched(bytes);
        }
        while self.burners.len() > usize::from(threads) {
            if let Some(stop) = self.burners.pop() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        while self.burners.len() < usize::from(threads) {
            let stop = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&stop);
            std::thread::spawn(move || burn(&seen));
            self.burners.push(stop);
        }
    }
}

fn burn(stop: &AtomicBool) {
    let mut number = 1_u64;
    while !stop.load(Ordering::Relaxed) {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

/// Memory that was only asked for costs nothing: the kernel gives a page when it is written to.
fn touched(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *black_box(byte) = 1);
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_resident_and_given_back() {
        let resident = || {
            let text = std::fs::read_to_string("/proc/self/statm").unwrap();
            text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE
        };
        let before = resident();
        let mut load = Load::default();
        load.adjust(64 << 20, 0);
        assert!(resident() >= before + (60 << 20));
        load.adjust(0, 0);
        assert!(resident() < before + (30 << 20));
    }

    #[test]
    fn burning_stops_when_it_is_switched_off() {
        let mut load = Load::default();
        load.adjust(0, 2);
        let stop = Arc::clone(&load.burners[1]);
        load.adjust(0, 1);
        assert!(stop.load(Ordering::Relaxed));
        assert_eq!(load.burners.len(), 1);
        load.adjust(0, 0);
    }
}
