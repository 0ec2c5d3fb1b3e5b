//! The laws find what is wrong with a metric that is wrong on purpose: a checker that never complains checks nothing.

use mtl_core::{Error, Result};
use mtl_metrics::{
    MetricValue,
    laws::{self, Lawful, Tolerance},
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    WeighsBatches,
    MergesOneSide,
    CountsMerges,
    SavesHalf,
    TakesAnything,
    SpoilsItselfOnDamage,
    KeepsTheCount,
    LeavesTheRange,
    SaysNothing,
}

/// A mean of numbers in [0, 1].
#[derive(Debug, Clone)]
struct Wrong {
    fault: Fault,
    sum: u64,
    n: u64,
}

const NUMBERS: [u64; 6] = [3, 1, 4, 1, 5, 9];

impl Wrong {
    fn feed(&mut self, rows: &[usize]) -> Result<()> {
        let sum: u64 = rows.iter().map(|&row| NUMBERS[row]).sum();
        if self.fault == Fault::WeighsBatches {
            self.sum += sum * rows.len() as u64;
            self.n += (rows.len() * rows.len()) as u64;
        } else {
            self.sum += sum;
            self.n += rows.len() as u64;
        }
        Ok(())
    }

    fn read(bytes: &[u8]) -> Option<(u64, u64)> {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        (bytes.len() == 16).then_some(())?;
        Some((number(0)?, number(8)?))
    }
}

impl Lawful for Wrong {
    fn name(&self) -> &str {
        "wrong"
    }

    fn range(&self) -> (f64, f64) {
        (0.0, if self.fault == Fault::LeavesTheRange { 3.0 } else { 9.0 })
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.fault == Fault::MergesOneSide && self.n > 2 {
            return Ok(());
        }
        self.sum += other.sum;
        self.n += other.n;
        if self.fault == Fault::CountsMerges {
            self.n += 1;
        }
        Ok(())
    }

    fn compute(&self) -> MetricValue {
        let mut value = MetricValue::ratio(self.sum as f64, self.n);
        if self.fault == Fault::SaysNothing {
            value.value = None;
        }
        value
    }

    fn state(&self) -> Result<Vec<u8>> {
        let n = if self.fault == Fault::SavesHalf { self.n / 2 } else { self.n };
        Ok([self.sum.to_le_bytes(), n.to_le_bytes()].concat())
    }

    fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        match Self::read(bytes) {
            Some((sum, n)) => (self.sum, self.n) = (sum, n),
            None if self.fault == Fault::TakesAnything => {}
            None => {
                if self.fault == Fault::SpoilsItselfOnDamage {
                    self.sum = 0;
                }
                return Err(Error::State { what: "wrong".into(), reason: format!("{} bytes", bytes.len()) });
            }
        }
        Ok(())
    }

    fn merge_state(&mut self, bytes: &[u8]) -> Result<()> {
        let mut other = self.clone();
        other.load_state(bytes)?;
        self.sum += other.sum;
        self.n += other.n;
        Ok(())
    }

    fn reset(&mut self) {
        self.sum = 0;
        if self.fault != Fault::KeepsTheCount {
            self.n = 0;
        }
    }
}

/// The laws that are broken.
fn broken(fault: Fault) -> Vec<&'static str> {
    let fresh = Wrong { fault, sum: 0, n: 0 };
    let order = [5, 0, 3, 1, 4, 2];
    let outcome = laws::check_with(&fresh, NUMBERS.len(), Wrong::feed, &order, &[1, 4], Tolerance::Bits);
    outcome.err().map_or(Vec::new(), |broken| broken.names())
}

#[test]
fn a_metric_without_faults_passes() {
    assert_eq!(broken(Fault::None), Vec::<&str>::new());
}

#[test]
fn every_law_finds_the_fault_that_it_is_for() {
    for (fault, law) in [
        (Fault::WeighsBatches, "batches"),
        (Fault::MergesOneSide, "merged"),
        (Fault::CountsMerges, "nothing"),
        (Fault::SavesHalf, "saved"),
        (Fault::TakesAnything, "damaged"),
        (Fault::SpoilsItselfOnDamage, "damaged"),
        (Fault::KeepsTheCount, "reset"),
        (Fault::LeavesTheRange, "range"),
        (Fault::SaysNothing, "range"),
    ] {
        let found = broken(fault);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
}
