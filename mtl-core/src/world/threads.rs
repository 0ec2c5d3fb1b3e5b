//! Ranks that are threads of one process and sum in each other's memory.
//!
//! ```text
//! every rank says where its tensors are            meet
//! rank r takes the r-th share of all numbers, adds the ranks' in their order, writes the sum to all   meet
//! ```
//! No number is copied into a buffer and none travels twice: a sum reads each rank's gradients once and writes them once, and every
//! rank does its share of it. Numbers and bytes need one meeting.
//!
//! A rank that ends, by an error, a panic or early, says so: those that wait for it, or come to wait, get an error instead of
//! waiting for ever. Ranks that make different calls, or give tensors that do not fit, all get
//! the same error: each compares the same announcements.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tch::{Device, Kind, Tensor};

use super::World;
use crate::{
    error::{Error, Result, TorchContext},
    shim::{self, Lent, Slot},
};

/// Looks at the counter before a waiting thread sleeps: some ten microseconds, about what it takes to wake one.
const LOOKS: u32 = 4_000;

/// One of several ranks of this process; made by [`led`].
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    meeting: Arc<Meeting>,
    /// Calls so far: what is announced alternates between two places, so that nobody overwrites what another still reads.
    calls: Turn,
}

/// A counter that only its own thread turns.
#[derive(Debug, Default)]
struct Turn(AtomicU64);

impl Turn {
    fn next(&self) -> usize {
        usize::from(self.0.fetch_add(1, Ordering::Relaxed) % 2 == 1)
    }
}

/// Where ranks meet.
#[derive(Debug)]
struct Meeting {
    hall: Mutex<Hall>,
    came: Condvar,
    /// How many meetings there were; a copy of the one in the hall, to look at without the lock.
    held: AtomicU64,
    announced: [Vec<Mutex<Announcement>>; 2],
}

#[derive(Debug)]
struct Hall {
    here: usize,
    held: u64,
    /// The ranks that have left, in that order.
    gone: Vec<usize>,
}

/// What a rank says before it reads what the others say.
#[derive(Debug, Clone)]
enum Announcement {
    Nothing,
    Tensors(Arc<Vec<Slot>>),
    Numbers(Arc<[f64]>),
    Bytes(Arc<[u8]>),
}

impl Announcement {
    fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Tensors(_) => "a sum of tensors",
            Self::Numbers(_) => "a sum of numbers",
            Self::Bytes(_) => "a gathering",
        }
    }
}

impl Meeting {
    fn new(size: usize) -> Self {
        let places = || (0..size).map(|_| Mutex::new(Announcement::Nothing)).collect();
        Self {
            hall: Mutex::new(Hall { here: 0, held: 0, gone: Vec::new() }),
            came: Condvar::new(),
            held: AtomicU64::new(0),
            announced: [places(), places()],
        }
    }

    fn size(&self) -> usize {
        self.announced[0].len()
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        // Nothing panics while it holds the lock.
        self.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every rank is here.
    fn meet(&self) -> Result<()> {
        let mut hall = self.hall();
        let this = hall.held;
        hall.here += 1;
        if hall.here == self.size() {
            hall.here = 0;
            hall.held += 1;
            self.held.store(hall.held, Ordering::Release);
            drop(hall);
            self.came.notify_all();
            return Ok(());
        }
        if hall.gone.is_empty() {
            drop(hall);
            for _ in 0..LOOKS {
                if self.held.load(Ordering::Acquire) != this {
                    return Ok(());
                }
                std::hint::spin_loop();
            }
            hall = self.hall();
        }
        while hall.held == this {
            if let Some(rank) = hall.gone.first() {
                return Err(Error::Ranks { reason: format!("rank {rank} has ended before the others") });
            }
            hall = self.came.wait(hall).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    fn leave(&self, rank: usize) {
        self.hall().gone.push(rank);
        self.came.notify_all();
    }
}

impl Threads {
    /// Says something and hears what everybody says, in the order of ranks.
    fn exchange(&self, said: Announcement) -> Result<Vec<Announcement>> {
        let places = &self.meeting.announced[self.calls.next()];
        let lock = |place: &Mutex<Announcement>| place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let name = said.name();
        *places[self.rank].lock().unwrap_or_else(PoisonError::into_inner) = said;
        self.meeting.meet()?;
        let heard: Vec<Announcement> = places.iter().map(lock).collect();
        match heard.iter().position(|other| other.name() != name) {
            None => Ok(heard),
            Some(_) => {
                let list: Vec<String> =
                    heard.iter().enumerate().map(|(rank, other)| format!("rank {rank} {}", other.name())).collect();
                Err(Error::Ranks { reason: format!("they are at different places: {}", list.join(", ")) })
            }
        }
    }

    fn exchange_tensors(&self, slots: Vec<Slot>) -> Result<Vec<Arc<Vec<Slot>>>> {
        let heard = self.exchange(Announcement::Tensors(Arc::new(slots)))?;
        Ok(heard.into_iter().filter_map(|a| if let Announcement::Tensors(t) = a { Some(t) } else { None }).collect())
    }
}

impl World for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.meeting.size()
    }

    fn sum(&self, tensors: &mut [Option<Tensor>]) -> Result<()> {
        own_memory(tensors)?;
        let slots = |tensors: &[Option<Tensor>]| -> Result<Vec<Slot>> {
            tensors.iter().map(|t| t.as_ref().map_or(Ok(Slot::default()), |t| Ok(Slot::giving(Lent::of(t)?)))).collect()
        };
        // A tensor that cannot be summed is refused by all ranks: the others hear of it by this one's leaving.
        let mut own = slots(tensors)?;
        let mut all = self.exchange_tensors(own.clone())?;
        let missing = fit(&all)?;
        if missing.iter().any(|form| form.is_some()) {
            // Some rank lacks what another has: memory to receive the sum.
            for ((tensor, slot), form) in tensors.iter_mut().zip(&mut own).zip(&missing) {
                if let (None, Some((shape, kind))) = (&tensor, form) {
                    let room = Tensor::f_empty(shape, (*kind, Device::Cpu)).op("sum over ranks")?;
                    *slot = Slot::receiving(Lent::of(&room)?);
                    *tensor = Some(room);
                }
            }
            all = self.exchange_tensors(own)?;
        }
        let lists: Vec<&[Slot]> = all.iter().map(|list| list.as_slice()).collect();
        shim::sum_share(&lists, self.rank);
        self.meeting.meet()
    }

    fn sum_numbers(&self, numbers: &mut [f64]) -> Result<()> {
        let heard = self.exchange(Announcement::Numbers(Arc::from(&*numbers)))?;
        let lists: Vec<&Arc<[f64]>> =
            heard.iter().filter_map(|a| if let Announcement::Numbers(n) = a { Some(n) } else { None }).collect();
        if let Some(rank) = lists.iter().position(|list| list.len() != lists[0].len()) {
            let reason = format!("rank {rank} sums {} numbers, rank 0 {}", lists[rank].len(), lists[0].len());
            return Err(Error::Ranks { reason });
        }
        for (i, number) in numbers.iter_mut().enumerate() {
            *number = lists.iter().map(|list| list[i]).sum();
        }
        Ok(())
    }

    fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let heard = self.exchange(Announcement::Bytes(Arc::from(bytes)))?;
        Ok(heard.iter().filter_map(|a| if let Announcement::Bytes(b) = a { Some(b.to_vec()) } else { None }).collect())
    }
}

/// Says that a rank has left when its work ends, in whatever way, or never began. Not when its [`Threads`] is dropped: graphs and trainers
/// may keep that.
struct Leaving(Arc<Meeting>, usize);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

/// Gives every tensor memory that is contiguous and its own within the list. Equal addresses are what happens: where two
/// parameters are added, autograd gives both the same gradient.
fn own_memory(tensors: &mut [Option<Tensor>]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for tensor in tensors.iter_mut().flatten() {
        if !tensor.is_contiguous() || !seen.insert(tensor.data_ptr() as usize) {
            *tensor = tensor.f_detach_copy().and_then(|t| t.f_contiguous()).op("sum over ranks")?;
        }
    }
    Ok(())
}

/// Shape and kind of a tensor.
type Form = (Vec<i64>, Kind);

/// Per tensor the form that some rank has and some rank lacks; fails where forms differ. Every rank comes to the same verdict.
fn fit(all: &[Arc<Vec<Slot>>]) -> Result<Vec<Option<Form>>> {
    let n = all.first().map_or(0, |list| list.len());
    if let Some(rank) = all.iter().position(|list| list.len() != n) {
        return Err(Error::Ranks { reason: format!("rank {rank} sums {} tensors, rank 0 {n}", all[rank].len()) });
    }
    let mut missing = Vec::with_capacity(n);
    for i in 0..n {
        let mut form: Option<(&[i64], Kind)> = None;
        let mut lacks = false;
        for (rank, list) in all.iter().enumerate() {
            let Some(lent) = list[i].lent() else {
                lacks = true;
                continue;
            };
            match form {
                Some(known) if known != lent.form() => {
                    let reason = format!("tensor {i} of rank {rank} is {:?}, of another {known:?}", lent.form());
                    return Err(Error::Ranks { reason });
                }
                _ => form = Some(lent.form()),
            }
        }
        missing.push(form.filter(|_| lacks).map(|(shape, kind)| (shape.to_vec(), kind)));
    }
    Ok(missing)
}

/// Runs `work` as so many ranks and gives what they give, in their order; see [`led`].
///
/// # Errors
/// As [`led`].
pub fn together<T: Send, E: From<Error> + Send>(
    size: usize,
    work: impl Fn(Arc<dyn World>) -> std::result::Result<T, E> + Sync,
) -> std::result::Result<Vec<T>, E> {
    led(size, &work, &work)
}

/// Runs `lead` as rank 0 in this thread and `follow` as the others, each in a thread of its own, and gives what they give, in the order
/// of ranks. Every rank has one thread inside operations, this one only for as long; followers draw from random streams of
/// their own.
///
/// # Errors
/// What the rank that failed first gives; [`Error::Ranks`] when a thread cannot be started. A panic of a rank goes on here.
pub fn led<T: Send, E: From<Error> + Send>(
    size: usize,
    lead: impl FnOnce(Arc<dyn World>) -> std::result::Result<T, E>,
    follow: impl Fn(Arc<dyn World>) -> std::result::Result<T, E> + Sync,
) -> std::result::Result<Vec<T>, E> {
    let meeting = Arc::new(Meeting::new(size.max(1)));
    let world = |rank| Arc::new(Threads { rank, meeting: meeting.clone(), calls: Turn::default() });
    // Made before its thread: a rank whose thread does not start is one that has left.
    let leaving = |rank| Leaving(meeting.clone(), rank);
    let ran: Vec<_> = std::thread::scope(|scope| {
        let start = |rank: usize| {
            let (world, leaving, follow) = (world(rank), leaving(rank), &follow);
            std::thread::Builder::new().name(format!("mtl-rank-{rank}")).spawn_scoped(scope, move || {
                let _leaving = leaving;
                tch::set_num_threads(1);
                shim::own_random_stream();
                follow(world)
            })
        };
        let started: Vec<_> = (1..size).map(start).collect();
        let before = tch::get_num_threads();
        tch::set_num_threads(1);
        let first = {
            let _leaving = leaving(0);
            lead(world(0))
        };
        tch::set_num_threads(before);
        let join = |thread: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
            Err(e) => Err(Error::Ranks { reason: format!("a thread cannot be started: {e}") }.into()),
        };
        std::iter::once(first).chain(started.into_iter().map(join)).collect()
    });
    // The rank that left first has the cause; the others only say that it left.
    let first = meeting.hall().gone.first().copied();
    let mut results = Vec::with_capacity(ran.len());
    let mut failed: Option<E> = None;
    for (rank, result) in ran.into_iter().enumerate() {
        match result {
            Ok(value) => results.push(value),
            Err(e) if failed.is_none() || first == Some(rank) => failed = Some(e),
            Err(_) => {}
        }
    }
    failed.map_or(Ok(results), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        Vec::<f32>::try_from(tensor.reshape([-1])).unwrap()
    }

    #[test]
    fn tensors_are_summed_in_place_and_in_the_order_of_ranks() {
        for size in [1, 2, 3, 4] {
            // Longer than a block, and not a multiple of the number of ranks.
            let values = |rank: usize| Tensor::arange(5003, (Kind::Float, Device::Cpu)).sin() * (rank as f64 + 0.1);
            let expected = (1..size).fold(values(0), |sum, rank| sum + values(rank));
            let sums = together(size, |world| {
                let mut list = [Some(values(world.rank())), None, Some(Tensor::from_slice(&[1.0f64]))];
                let before = list[0].as_ref().map(Tensor::data_ptr);
                world.sum(&mut list)?;
                assert_eq!(list[0].as_ref().map(Tensor::data_ptr), before, "in place");
                assert!(list[1].is_none(), "nobody has one");
                Ok::<_, Error>(list)
            });
            for [sum, _, count] in sums.unwrap() {
                assert_eq!(numbers(&sum.unwrap()), numbers(&expected), "the same bits on every rank");
                assert!((count.unwrap().double_value(&[0]) - size as f64).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn who_has_none_gets_the_sum() {
        let sums = together(3, |world| {
            let own = (world.rank() == 1).then(|| Tensor::from_slice(&[1.0f32, 2.0]).view([2, 1]));
            let other = (world.rank() != 1).then(|| Tensor::from_slice(&[3.0f32]));
            let mut list = [own, other];
            world.sum(&mut list)?;
            Ok::<_, Error>(list.map(|t| t.map(|t| (t.size(), numbers(&t)))))
        });
        for list in sums.unwrap() {
            assert_eq!(list, [Some((vec![2, 1], vec![1.0, 2.0])), Some((vec![1], vec![6.0]))]);
        }
    }

    #[test]
    fn memory_that_is_shared_or_spread_is_copied_first() {
        let sums = together(2, |world| {
            let t = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0]).view([2, 2]);
            let mut list = [
                Some(t.shallow_clone()),
                Some(t.shallow_clone()),
                Some(t.tr()),
                Some(t.select(0, 0).expand([3, 2], false)),
            ];
            world.sum(&mut list)?;
            Ok::<_, Error>(list.map(|t| numbers(&t.unwrap())))
        });
        for [a, b, transposed, expanded] in sums.unwrap() {
            assert_eq!((a, b), (vec![2.0, 4.0, 6.0, 8.0], vec![2.0, 4.0, 6.0, 8.0]));
            assert_eq!((transposed, expanded), (vec![2.0, 6.0, 4.0, 8.0], [2.0, 4.0].repeat(3)));
        }
    }

    #[test]
    fn numbers_and_bytes_reach_everybody() {
        let all = together(4, |world| {
            let rank = world.rank();
            let mut gathered = Vec::new();
            let mut numbers = [0.1 * rank as f64, 1.0];
            // Several calls one after the other: places are used again.
            for _ in 0..50 {
                gathered = world.gather(&vec![u8::try_from(rank).unwrap(); rank])?;
                numbers = [0.1 * rank as f64, 1.0];
                world.sum_numbers(&mut numbers)?;
            }
            world.agree("opinion", &[7])?;
            let quarrel = world.agree("opinion", &[u8::from(rank == 2)]).unwrap_err().to_string();
            Ok::<_, Error>((gathered, numbers, quarrel))
        });
        for (gathered, numbers, quarrel) in all.unwrap() {
            assert_eq!(gathered, [vec![], vec![1], vec![2, 2], vec![3, 3, 3]]);
            assert_eq!(numbers.map(f64::to_bits), [(0.0 + 0.1 + 0.2 + 0.1 * 3.0f64).to_bits(), 4.0f64.to_bits()]);
            assert_eq!(quarrel, "ranks: rank 2 has another opinion than rank 0");
        }
    }

    #[test]
    fn nobody_waits_for_a_rank_that_has_ended() {
        let failed = together(3, |world| {
            if world.rank() == 1 {
                return Err(Error::InvalidConfig { what: "it", field: "x", expected: "y".into(), found: "z".into() });
            }
            world.gather(&[])
        });
        assert_eq!(failed.unwrap_err().to_string(), "it: x must be y, found z", "the cause, not what followed of it");
        let early = together(2, |world| if world.rank() == 0 { world.gather(&[]) } else { Ok(Vec::new()) });
        assert_eq!(early.unwrap_err().to_string(), "ranks: rank 1 has ended before the others");
        let panicked = std::panic::catch_unwind(|| {
            together(2, |world| if world.rank() == 0 { panic!("oh") } else { world.gather(&[]) })
        });
        assert!(panicked.is_err());
    }

    #[test]
    fn calls_that_do_not_fit_are_refused_by_every_rank() {
        let heard = together(2, |world| {
            let refusals = [
                match world.rank() {
                    0 => world.gather(&[]).map(drop),
                    _ => world.sum_numbers(&mut [1.0]),
                },
                world.sum_numbers(&mut vec![0.0; world.rank() + 1]),
                world.sum(&mut (0..=world.rank()).map(|_| None).collect::<Vec<_>>()),
                world.sum(&mut [Some(Tensor::zeros([world.rank() as i64 + 1], (Kind::Float, Device::Cpu)))]),
            ];
            Ok::<_, Error>(refusals.map(|r| r.unwrap_err().to_string()))
        });
        let heard = heard.unwrap();
        assert_eq!(heard[0], heard[1]);
        assert_eq!(heard[0][0], "ranks: they are at different places: rank 0 a gathering, rank 1 a sum of numbers");
        assert_eq!(heard[0][1], "ranks: rank 1 sums 2 numbers, rank 0 1");
        assert_eq!(heard[0][2], "ranks: rank 1 sums 2 tensors, rank 0 1");
        assert!(heard[0][3].starts_with("ranks: tensor 0 of rank 1 is ([2], Float)"), "{}", heard[0][3]);
    }

    #[test]
    fn a_sum_on_the_graph_has_the_sum_of_the_gradients() {
        let grads = together(3, |world| {
            let x = Tensor::from_slice(&[world.rank() as f64 + 1.0, 2.0]).set_requires_grad(true);
            let sum = shim::sum_over_ranks(&x, &world)?;
            // Rank r's loss is (r + 1) * sum^2, so each gradient is 2 * sum * 6.
            let loss = sum.square().sum(Kind::Double) * (world.rank() as f64 + 1.0);
            let grads = shim::grad(&[&loss], None, &[&x], shim::Graph::Free)?;
            let grad = grads.into_iter().flatten().next().unwrap();
            Ok::<_, Error>((Vec::<f64>::try_from(&sum.detach()).unwrap(), Vec::<f64>::try_from(&grad).unwrap()))
        });
        for (sum, grad) in grads.unwrap() {
            assert_eq!((sum, grad), (vec![6.0, 6.0], vec![72.0, 72.0]));
        }
    }

    #[test]
    fn ranks_draw_their_own_numbers_and_repeat_them() {
        let draw = || {
            together(2, |world| {
                shim::manual_seed(5 + world.rank() as u64)?;
                world.gather(&[])?;
                let xs = Tensor::zeros([100], (Kind::Float, Device::Cpu));
                let drawn = (0..20).map(|_| Ok(numbers(&shim::dropout_mask(&xs, 0.5)?))).collect::<Result<Vec<_>>>()?;
                Ok::<_, Error>((drawn, numbers(&shim::uniform_like(&xs)?)))
            })
            .unwrap()
        };
        let first = draw();
        assert_eq!(first, draw());
        assert_ne!(first[0], first[1]);
    }
}
