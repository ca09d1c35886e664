//! Histories by seed: which, each on a thread of its own, as many at once as there are
//! processors.

use std::sync::Mutex;
use std::thread;

use crate::dice::setting;

/// What is played by seeds, by the names of its settings.
pub(crate) struct Seeds {
    /// Names one seed to play alone.
    pub(crate) one: &'static str,
    /// Names the first of many.
    pub(crate) first: &'static str,
    /// Says how many.
    pub(crate) many: &'static str,
}

impl Seeds {
    /// Plays one history on one thread; nothing if it breaks a promise, which is printed
    /// under the seed's name.
    pub(crate) fn play<F: Future<Output: Send + 'static>>(
        &self,
        seed: u64,
        history: impl FnOnce() -> F + Send + 'static,
    ) -> Option<F::Output> {
        let play = move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(history())
        };
        let named = thread::Builder::new().name(format!("{}={seed}", self.one));
        named.spawn(play).unwrap().join().ok()
    }

    /// Plays all seeds that the settings ask for, or so many, and fails with those that
    /// break promises.
    pub(crate) fn play_all(&self, unless_told: u64, keeps: impl Fn(u64) -> bool + Sync) {
        let seeds = if let Some(seed) = setting(self.one) {
            seed..=seed
        } else {
            let first = setting(self.first).unwrap_or(1);
            first..=first + setting(self.many).unwrap_or(unless_told) - 1
        };
        let (seeds, broken) = (Mutex::new(seeds), Mutex::new(Vec::new()));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let Some(seed) = seeds.lock().unwrap().next() else {
                            return;
                        };
                        if !keeps(seed) {
                            broken.lock().unwrap().push(seed);
                        }
                    }
                });
            }
        });
        let broken = broken.into_inner().unwrap();
        assert!(
            broken.is_empty(),
            "promises are broken, as printed above, with {}= each of {broken:?}",
            self.one
        );
    }
}
