//! A thread that lives in a host's namespaces and runs there what others ask for. Used by `host`.
//!
//! A namespace belongs to a thread, not to a process, and a child or a socket is made in the
//! namespace of the thread that makes it. So one thread per host is all that is needed to act as
//! that host: no helper program, no fork.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

type Task = Box<dyn FnOnce() + Send>;

/// The thread; it ends when this is dropped.
pub(super) struct Agent {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Agent {
    /// Starts the thread; `enter` moves it into its namespaces.
    pub(super) fn start(
        name: &str,
        enter: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (tasks, inbox) = mpsc::channel::<Task>();
        let (entered, result) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let done = enter();
                let failed = done.is_err();
                if entered.send(done).is_err() || failed {
                    return;
                }
                for task in inbox {
                    task();
                }
            })?;
        let agent = Self {
            tasks: Some(tasks),
            thread: Some(thread),
        };
        result.recv().map_err(gone)??;
        Ok(agent)
    }

    /// Runs `task` in the thread and waits for its result.
    pub(super) fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (answer, result) = mpsc::channel();
        let task = Box::new(move || {
            // Nobody waits any more: then nobody misses the answer.
            let _ = answer.send(task());
        });
        let tasks = self.tasks.as_ref().ok_or_else(|| gone(()))?;
        tasks.send(task).map_err(gone)?;
        result.recv().map_err(gone)?
    }
}

fn gone<E>(_: E) -> io::Error {
    io::Error::other("the host's thread has ended")
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}
