//! Four million numbers by merge sort: halves are sorted by fork and join down to 16384, by the same algorithm in
//! one task below.
//!
//! Fair: no allocation and no copying but the merge's, as with slices elsewhere; the sequential part is written out
//! rather than the library's sort, so that the languages' libraries are not compared.

use crate::workload::{milliseconds, size};
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

const CUTOFF: usize = 16_384;
const INSERTION: usize = 24;

type Slice = &'static mut [i64];

pub async fn sort() -> f64 {
    let count = size(4_000_000);
    let mut state: u64 = 42;
    let mut random = || {
        // Knuth's MMIX generator; the low bits are weak.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as i64
    };
    let numbers: Slice = Box::leak((0..count).map(|_| random()).collect());
    let spare: Slice = Box::leak(vec![1; count].into());
    let expected: i64 = numbers.iter().sum();
    let start = Instant::now();
    let (numbers, _) = parallel(numbers, spare).await;
    let elapsed = milliseconds(start);
    assert!(numbers.windows(2).all(|pair| pair[0] <= pair[1]), "not sorted");
    assert_eq!(numbers.iter().sum::<i64>(), expected, "a number was lost");
    elapsed
}

/// Sorts the numbers, with as much spare room, and gives both back.
fn parallel(numbers: Slice, spare: Slice) -> Pin<Box<dyn Future<Output = (Slice, Slice)> + Send>> {
    Box::pin(async move {
        if numbers.len() <= CUTOFF {
            plain(numbers, spare);
            return (numbers, spare);
        }
        let middle = numbers.len() / 2;
        let (left, right) = numbers.split_at_mut(middle);
        let (spare_left, spare_right) = spare.split_at_mut(middle);
        let half = tokio::spawn(parallel(left, spare_left));
        let (right, spare_right) = parallel(right, spare_right).await;
        let (left, spare_left) = half.await.unwrap();
        let (numbers, spare) = (joined(left, right), joined(spare_left, spare_right));
        merge(numbers, middle, spare);
        (numbers, spare)
    })
}

/// The slice that was split into the two. A task must own what it uses, so the halves went to the children and
/// come back from them.
fn joined(left: Slice, right: Slice) -> Slice {
    assert!(std::ptr::eq(left.as_ptr_range().end, right.as_ptr()));
    // Safe: both are ours alone and next to each other in one allocation, as they were before the split.
    unsafe { std::slice::from_raw_parts_mut(left.as_mut_ptr(), left.len() + right.len()) }
}

fn plain(numbers: &mut [i64], spare: &mut [i64]) {
    if numbers.len() <= INSERTION {
        return insertion(numbers);
    }
    let middle = numbers.len() / 2;
    plain(&mut numbers[..middle], &mut spare[..middle]);
    plain(&mut numbers[middle..], &mut spare[middle..]);
    merge(numbers, middle, spare);
}

fn insertion(numbers: &mut [i64]) {
    for i in 1..numbers.len() {
        let number = numbers[i];
        let mut j = i;
        while j > 0 && numbers[j - 1] > number {
            numbers[j] = numbers[j - 1];
            j -= 1;
        }
        numbers[j] = number;
    }
}

/// Merges two sorted parts: the left one moves out of the way first.
fn merge(numbers: &mut [i64], middle: usize, spare: &mut [i64]) {
    if numbers[middle - 1] <= numbers[middle] {
        return;
    }
    let left = &mut spare[..middle];
    left.copy_from_slice(&numbers[..middle]);
    let (mut i, mut j, mut k) = (0, middle, 0);
    while i < left.len() && j < numbers.len() {
        if left[i] <= numbers[j] {
            numbers[k] = left[i];
            i += 1;
        } else {
            numbers[k] = numbers[j];
            j += 1;
        }
        k += 1;
    }
    // What is left of the right part is in its place already.
    numbers[k..k + left.len() - i].copy_from_slice(&left[i..]);
}
