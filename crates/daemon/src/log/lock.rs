//! A lock of the log, also in a panic.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Nothing if a panic in the midst of a line holds it: that would wait for itself.
pub(super) fn lock<T>(it: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    if !std::thread::panicking() {
        return Some(it.lock().unwrap_or_else(PoisonError::into_inner));
    }
    match it.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
