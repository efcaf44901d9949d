//! Replays diffs as R8 says, and says what repeats or misses something.

use std::{format, mem, string::String, vec::Vec};

use parlor::{Diff, Edge, Entry, Meta, UserId};

use super::List;

/// Makes a list of entries.
pub(super) fn list_of(entries: impl Iterator<Item = Entry>) -> List {
    entries.map(|entry| (entry.key.clone(), entry.metas.to_vec())).collect()
}

/// A join whose `prev_ref` is listed takes that meta's place, others go to the end; metas in
/// `leaves` go by `ref`; an entry without metas goes.
pub(super) fn replay(list: &mut List, diff: &Diff) -> Result<(), String> {
    let mut replaced = Vec::new();
    for Entry { key, metas, edge, .. } in diff.joins() {
        if (*edge == Edge::First) == has_user(list, key) {
            return Err(format!("{key} comes, with the edge {edge:?}, where the list is {list:?}"));
        }
        for meta in metas {
            let own = metas_of(list, key);
            if own.iter().any(|known| known.reference == meta.reference) {
                return Err(format!("{meta:?} comes twice"));
            }
            let is_before = |known: &&mut Meta| Some(&known.reference) == meta.prev_ref.as_ref();
            if let Some(before) = own.iter_mut().find(is_before) {
                replaced.push(mem::replace(before, meta.clone()));
            } else {
                own.push(meta.clone());
            }
        }
    }
    for Entry { key, metas, edge, .. } in diff.leaves() {
        for meta in metas {
            if let Some(at) = replaced.iter().position(|replaced| replaced == meta) {
                replaced.remove(at);
                continue;
            }
            let own = metas_of(list, key);
            let at = own.iter().position(|known| known == meta);
            own.remove(at.ok_or_else(|| format!("{meta:?} goes, and was not there"))?);
        }
        list.retain(|(_, metas)| !metas.is_empty());
        if (*edge == Edge::Last) == has_user(list, key) {
            return Err(format!("{key} goes, with the edge {edge:?}, where the list is {list:?}"));
        }
    }
    match &replaced[..] {
        [] => Ok(()),
        [meta, ..] => Err(format!("{meta:?} was replaced and does not go")),
    }
}

fn has_user(list: &List, key: &UserId) -> bool {
    list.iter().any(|(user, _)| user == key)
}

/// The metas of a user, whose entry is made at the end if there is none.
fn metas_of<'a>(list: &'a mut List, key: &UserId) -> &'a mut Vec<Meta> {
    if !has_user(list, key) {
        list.push((key.clone(), Vec::new()));
    }
    let own = list.iter_mut().find(|(user, _)| user == key);
    own.map(|(_, metas)| metas).expect("the user is listed")
}
