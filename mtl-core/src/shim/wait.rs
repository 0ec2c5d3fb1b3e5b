//! How the threads of one operation wait for each other, decided before the library that makes them wait has started.
//!
//! libtorch's operations share their work among OpenMP threads. A thread that waits for the others spins first and sleeps
//! then; libgomp, which the wheel brings along, spins for some milliseconds. That is fine as long as every thread has a
//! processor to itself. Beside another program one of them has not: the others burn what the missing one would need,
//! operation after operation, and a run becomes 3 to 60 times slower. With a tenth of a millisecond or so of spinning a quiet
//! machine computes as fast as before, and a busy one goes on.
//!
//! libgomp reads its settings from the environment when it is loaded, which is before `main`. The one place to speak before
//! it is the `.preinit_array` of the executable, so that is where [`before_libraries`] stands. libc takes its pointer to the
//! environment only afterwards, so adding a variable there would be forgotten; what lasts is the array itself. One entry
//! that no library reads on loading lends its place to ours, and gets it back before `main`
//! ([`after_libraries`]): the program and its children see the environment as the user left it.
//!
//! Nothing of this happens when the user has set `GOMP_SPINCOUNT` or `OMP_WAIT_POLICY`, in an empty environment, on systems
//! without glibc, and in a shared library (a Python extension, say), whose loader has started libgomp long before: there
//! set `GOMP_SPINCOUNT=10000` yourself. Some linkers refuse a `.preinit_array` in a shared library; `MTL_NO_PREINIT=1` in the
//! environment of the build leaves it out.

use std::fmt;

#[cfg(all(target_os = "linux", target_env = "gnu", not(mtl_no_preinit)))]
use entry::is_in_force;

/// Rounds of spinning before a thread sleeps: about a tenth to half of a millisecond.
const SPINS: u32 = 10_000;

/// What a user sets to decide it.
const CHOICES: [&str; 2] = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"];

/// How the threads of one operation wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// They spin so many rounds, then sleep: what this crate asked for.
    Short(u32),
    /// As the user says, `NAME=VALUE`.
    Chosen(String),
    /// As their library does by itself.
    Library,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(spins) => write!(f, "{spins} spins, then sleep"),
            Self::Chosen(setting) => write!(f, "{setting}, set by you"),
            Self::Library => {
                f.write_str("as the OpenMP library does by itself; GOMP_SPINCOUNT=10000 helps beside others")
            }
        }
    }
}

/// The way of waiting that is in force in this process.
#[must_use]
pub fn waiting() -> Waiting {
    let chosen = |name: &&str| std::env::var_os(name).map(|value| format!("{name}={}", value.to_string_lossy()));
    match CHOICES.iter().find_map(chosen) {
        Some(setting) => Waiting::Chosen(setting),
        None if is_in_force() => Waiting::Short(SPINS),
        None => Waiting::Library,
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(mtl_no_preinit))))]
fn is_in_force() -> bool {
    false
}

/// What runs before and after the constructors of the shared libraries: C only, because std has not started.
#[cfg(all(target_os = "linux", target_env = "gnu", not(mtl_no_preinit)))]
mod entry {
    use std::{
        ffi::CStr,
        os::raw::{c_char, c_int},
        ptr,
        sync::atomic::{AtomicBool, AtomicPtr, Ordering},
    };

    /// The variable as libgomp reads it; says the same as [`super::SPINS`].
    static OURS: &CStr = c"GOMP_SPINCOUNT=10000";

    /// Entries that no library reads on loading, the least useful first.
    const SPARE: [&[u8]; 12] = [
        b"_=",
        b"OLDPWD=",
        b"SHLVL=",
        b"INVOCATION_ID=",
        b"TERM=",
        b"LOGNAME=",
        b"USER=",
        b"HOSTNAME=",
        b"SHELL=",
        b"PWD=",
        b"LANG=",
        b"HOME=",
    ];

    /// The entry that lent its place; null when none did.
    static LENT: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());
    static IN_FORCE: AtomicBool = AtomicBool::new(false);

    #[used]
    #[unsafe(link_section = ".preinit_array")]
    static BEFORE: unsafe extern "C" fn(c_int, *const *const c_char, *mut *mut c_char) = before_libraries;

    #[used]
    #[unsafe(link_section = ".init_array")]
    static AFTER: unsafe extern "C" fn() = after_libraries;

    unsafe extern "C" {
        static environ: *mut *mut c_char;
    }

    /// Whether libgomp was told.
    pub(super) fn is_in_force() -> bool {
        IN_FORCE.load(Ordering::Relaxed)
    }

    /// The entries of an environment: places in an array that ends with a null pointer.
    unsafe fn entries(array: *mut *mut c_char) -> impl Iterator<Item = *mut *mut c_char> {
        let mut at = array;
        std::iter::from_fn(move || {
            let place = at;
            // Safety: the array is walked no further than its closing null.
            if place.is_null() || unsafe { *place }.is_null() {
                return None;
            }
            at = unsafe { place.add(1) };
            Some(place)
        })
    }

    unsafe fn begins(entry: *const c_char, with: &[u8]) -> bool {
        // Safety: an entry of the environment is a C string.
        unsafe { CStr::from_ptr(entry) }.to_bytes().starts_with(with)
    }

    /// Called by the loader with the arguments of `main`, before any library's constructor and with one thread.
    unsafe extern "C" fn before_libraries(_count: c_int, _arguments: *const *const c_char, array: *mut *mut c_char) {
        // Safety: the loader gives the array on the stack, which is the process's own and may be written.
        unsafe {
            let chosen = [b"GOMP_SPINCOUNT=".as_slice(), b"OMP_WAIT_POLICY="];
            if entries(array).any(|place| chosen.iter().any(|name| begins(*place, name))) {
                return;
            }
            let spare = SPARE.iter().find_map(|name| entries(array).find(|place| begins(**place, name)));
            if let Some(place) = spare {
                LENT.store(*place, Ordering::Relaxed);
                *place = OURS.as_ptr().cast_mut();
                IN_FORCE.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Called with the executable's own constructors, after those of the libraries.
    unsafe extern "C" fn after_libraries() {
        let lent = LENT.swap(ptr::null_mut(), Ordering::Relaxed);
        if lent.is_null() {
            return;
        }
        // Safety: as above. A library that set a variable has made a copy of the array; `environ` is the one in use.
        unsafe {
            for place in entries(environ).filter(|place| ptr::eq(**place, OURS.as_ptr())) {
                *place = lent;
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_variable_says_what_is_reported() {
            let text = format!("{}={}", super::super::CHOICES[0], super::super::SPINS);
            assert_eq!(OURS.to_str().unwrap(), text);
        }

        #[test]
        fn a_place_is_lent_only_where_the_user_has_not_chosen() {
            let told = |entries: &[&CStr]| {
                let mut array: Vec<*mut c_char> = entries.iter().map(|e| e.as_ptr().cast_mut()).collect();
                array.push(ptr::null_mut());
                unsafe { before_libraries(0, ptr::null(), array.as_mut_ptr()) };
                array.pop();
                array.iter().position(|entry| ptr::eq(*entry, OURS.as_ptr()))
            };
            let lent = LENT.load(Ordering::Relaxed);
            assert_eq!(told(&[c"HOME=/", c"_=x", c"PATH=/bin"]), Some(1), "the least useful one");
            assert_eq!(told(&[c"HOME=/", c"_X=1", c"PATH=/bin"]), Some(0));
            assert_eq!(told(&[c"_=x", c"GOMP_SPINCOUNT=5"]), None);
            assert_eq!(told(&[c"_=x", c"OMP_WAIT_POLICY=active"]), None);
            assert_eq!(told(&[c"PATH=/bin"]), None, "what libraries read stays");
            assert_eq!(told(&[]), None);
            LENT.store(lent, Ordering::Relaxed);
        }
    }
}
