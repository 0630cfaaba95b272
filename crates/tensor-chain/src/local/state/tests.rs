//! The state against a plain map with a stack of copies, and its rules one by one.

use std::collections::BTreeMap;

use super::*;

/// A plain map in the place of a state.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[test]
fn rollback_restores_values_order_and_size() {
    let mut state = State::new();
    state.put(b"a", b"1");
    state.put(b"b", b"2");
    let size = state.size();
    state.begin();
    state.put(b"a", b"longer");
    state.begin();
    state.remove(b"b");
    state.put(b"c", b"3");
    state.rollback();
    assert_eq!(state.get(b"b"), Some(&b"2"[..]));
    assert_eq!(state.get(b"c"), None);
    assert_eq!(state.get(b"a"), Some(&b"longer"[..]));
    state.rollback();
    assert_eq!(state.get(b"a"), Some(&b"1"[..]));
    assert_eq!(state.size(), size);
    assert_eq!(state.len(), 2);
}

#[test]
fn delta_names_each_key_once_with_the_value_before_the_block() {
    let mut state = State::new();
    state.put(b"a", b"1");
    state.end_block();
    state.put(b"a", b"2");
    state.begin();
    state.put(b"a", b"3");
    state.put(b"b", b"x");
    state.commit();
    state.remove(b"b");
    let delta = state.end_block();
    assert_eq!(delta.len(), 2);
    assert_eq!(delta[0].1.as_deref(), Some(&b"1"[..]));
    assert_eq!(delta[1].1, None);
    state.apply_reverse(&delta);
    assert_eq!(state.get(b"a"), Some(&b"1"[..]));
    assert_eq!(state.len(), 1);
}

#[test]
fn paging_is_strictly_after_the_start() {
    let mut state = State::new();
    for key in [&b"pa"[..], b"pb", b"pc", b"q"] {
        state.put(key, b"v");
    }
    let names = |start: &[u8]| -> Vec<Vec<u8>> {
        state.keys_after(b"p", start).map(|k| k.to_vec()).collect()
    };
    assert_eq!(names(b"p"), [b"pa".to_vec(), b"pb".to_vec(), b"pc".to_vec()]);
    assert_eq!(names(b"pa"), [b"pb".to_vec(), b"pc".to_vec()]);
    assert_eq!(names(b""), [b"pa".to_vec(), b"pb".to_vec(), b"pc".to_vec()]);
}

/// Against a plain map with a stack of copies, over a seeded sequence of operations.
#[test]
fn agrees_with_a_naive_model() {
    let mut seed = 0x1234_5678_u64;
    let mut next = move |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let mut state = State::new();
    let mut model: Model = BTreeMap::new();
    let mut stack: Vec<Model> = Vec::new();
    let mut block_start = model.clone();
    let mut copies: Vec<(State, Model)> = Vec::new();
    for _ in 0..20_000 {
        let key = vec![b'k', next(12) as u8];
        match next(9) {
            0..=3 => {
                let value = vec![next(250) as u8; next(40) as usize];
                state.put(&key, &value);
                model.insert(key, value);
            }
            4 => {
                state.remove(&key);
                model.remove(&key);
            }
            5 => {
                state.begin();
                stack.push(model.clone());
            }
            6 => {
                if stack.pop().is_some() {
                    state.commit();
                }
            }
            7 => {
                if let Some(old) = stack.pop() {
                    state.rollback();
                    model = old;
                }
            }
            _ => {
                if stack.is_empty() {
                    let delta = state.end_block();
                    // Now and then a copy shares what there is, and some are given up.
                    match next(12) {
                        0..3 => {
                            state.freeze();
                            copies.push((state.clone(), model.clone()));
                        }
                        3 => copies.clear(),
                        _ => {}
                    }
                    let mut past = state.clone();
                    past.apply_reverse(&delta);
                    let past: BTreeMap<_, _> =
                        past.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
                    assert_eq!(past, block_start);
                    block_start = model.clone();
                }
            }
        }
        assert_agrees(&state, &model);
        if copies.len() > 8 {
            copies.iter().for_each(|(copy, model)| assert_agrees(copy, model));
            copies.truncate(2);
        }
    }
}

fn assert_agrees(state: &State, model: &Model) {
    let now: BTreeMap<_, _> = state.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert_eq!(now, *model);
    assert!(state.iter().map(|(k, _)| k).is_sorted());
    assert_eq!(state.len(), model.len());
    assert_eq!(state.size(), model.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>());
}

#[test]
fn a_copy_shares_what_was_there_and_nothing_later() {
    let mut state = State::new();
    for key in [b"a", b"b", b"c"] {
        state.put(key, b"1");
    }
    state.end_block();
    state.freeze();
    let mut copy = state.clone();
    assert!(copy.entries.is_empty() && copy.len() == 3);
    copy.remove(b"b");
    copy.put(b"a", b"other");
    copy.put(b"ab", b"new");
    let delta = copy.end_block();
    let keys: Vec<&[u8]> = copy.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, [&b"a"[..], b"ab", b"c"]);
    assert_eq!(copy.keys_after(b"", b"a").count(), 2);
    assert_eq!((state.get(b"a"), state.get(b"b")), (Some(&b"1"[..]), Some(&b"1"[..])));
    assert_eq!((state.len(), state.get(b"ab")), (3, None));
    copy.apply_reverse(&delta);
    assert!(copy.iter().eq(state.iter()));
    // Alone again, it takes the shared layer back.
    drop(copy);
    state.put(b"d", b"1");
    state.end_block();
    assert!(state.base.is_none() && state.len() == 4);
}
