//! Which connections there are: how many, of which addresses, and which of them a client id means.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use parlor::{ClientId, UserId};

use crate::{
    close::Close,
    engine::Wire,
    queue::Queue,
    takeovers::{Takeovers, TooMany},
};

/// Tells connections of one client apart: a later one has a higher number.
pub(crate) type Generation = u64;

/// The connection that each client id means.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Generation,
    by_client: BTreeMap<ClientId, (Generation, Known)>,
    takeovers: Takeovers,
}

/// What is known of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) client_id: ClientId,
    pub(crate) user_id: UserId,
    pub(crate) wire: Wire,
    /// That of its network, where it is known.
    pub(crate) address: Option<IpAddr>,
    pub(crate) since_ms: u64,
    pub(crate) queue: Arc<Queue>,
}

impl Registry {
    /// Whether one more connection of a client may come, which takes over if there is another.
    pub(crate) fn may_enter(&self, client_id: &ClientId, now_ms: u64) -> Result<(), TooMany> {
        let mut state = self.lock();
        if state.by_client.contains_key(client_id) {
            state.takeovers.count(client_id, now_ms)?;
        }
        drop(state);
        Ok(())
    }

    /// From here on the client is that connection; an earlier one is cut.
    pub(crate) fn enter(&self, known: Known) -> Generation {
        let mut state = self.lock();
        state.last += 1;
        let generation = state.last;
        let earlier = state.by_client.insert(known.client_id.clone(), (generation, known));
        drop(state);
        if let Some((_, earlier)) = earlier {
            earlier.queue.cut(Close::taken_over());
        }
        generation
    }

    /// All connections that there are.
    pub(crate) fn all(&self) -> Vec<Known> {
        self.lock().by_client.values().map(|(_, known)| known.clone()).collect()
    }

    /// The connection has ended. If another has taken over, that stays.
    pub(crate) fn leave(&self, client_id: &ClientId, generation: Generation) {
        let mut state = self.lock();
        if state.by_client.get(client_id).is_some_and(|(current, _)| *current == generation) {
            state.by_client.remove(client_id);
        }
    }

    /// What waits for each connection.
    pub(crate) fn queues(&self) -> Vec<Arc<Queue>> {
        self.lock().by_client.values().map(|(_, known)| Arc::clone(&known.queue)).collect()
    }

    /// The connection of a client, if there is one, ends when what waits for it is sent.
    pub(crate) fn close(&self, client_id: &ClientId, close: Close) {
        let queue = self.lock().by_client.get(client_id).map(|(_, known)| Arc::clone(&known.queue));
        if let Some(queue) = queue {
            queue.close(close);
        }
    }

    /// All connections end when what waits for them is sent.
    pub(crate) fn close_all(&self, close: &Close) {
        for queue in self.queues() {
            queue.close(close.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts what there may be so many of, in all and of each address.
#[derive(Debug)]
pub(crate) struct Gate {
    counts: Mutex<Counts>,
    max: usize,
    max_per_ip: usize,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_ip: BTreeMap<IpAddr, usize>,
}

/// Of what there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    All,
    OfThatAddress,
}

/// A place behind a gate, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    ip: Option<IpAddr>,
}

impl Gate {
    pub(crate) fn new(max: usize, max_per_ip: usize) -> Arc<Self> {
        Arc::new(Self { counts: Mutex::default(), max, max_per_ip })
    }

    /// Takes a place, if there is one. Where the address is not known, it does not count.
    pub(crate) fn enter(self: &Arc<Self>, ip: Option<IpAddr>) -> Result<Place, Full> {
        let ip = ip.map(network_of);
        let mut counts = self.lock();
        if counts.all >= self.max {
            return Err(Full::All);
        }
        if let Some(ip) = ip {
            let of_ip = counts.by_ip.entry(ip).or_default();
            if *of_ip >= self.max_per_ip {
                return Err(Full::OfThatAddress);
            }
            *of_ip += 1;
        }
        counts.all += 1;
        drop(counts);
        Ok(Place { gate: Arc::clone(self), ip })
    }

    /// How many places are taken.
    pub(crate) fn count(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The address that it counts for.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.ip
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.lock();
        counts.all -= 1;
        if let Some(ip) = self.ip
            && let Some(of_ip) = counts.by_ip.get_mut(&ip)
        {
            *of_ip -= 1;
            if *of_ip == 0 {
                counts.by_ip.remove(&ip);
            }
        }
    }
}

/// What one customer of a network has: an address, or the first 64 bits of one in IPv6.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_address() {
        let gate = Gate::new(3, 2);
        let ip = |text: &str| Some(text.parse().unwrap());
        let one = gate.enter(ip("1.2.3.4")).unwrap();
        let _two = gate.enter(ip("::ffff:1.2.3.4")).unwrap();
        assert_eq!(gate.enter(ip("1.2.3.4")).unwrap_err(), Full::OfThatAddress);
        drop(one);
        let _three = gate.enter(ip("1.2.3.4")).unwrap();
        let _four = gate.enter(None).unwrap();
        assert_eq!(gate.enter(ip("5.6.7.8")).unwrap_err(), Full::All);
        assert_eq!(gate.count(), 3);
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let gate = Gate::new(9, 1);
        let ip = |text: &str| Some(text.parse().unwrap());
        let _one = gate.enter(ip("2001:db8::1")).unwrap();
        assert_eq!(gate.enter(ip("2001:db8::ffff:2")).unwrap_err(), Full::OfThatAddress);
        let _two = gate.enter(ip("2001:db8:0:1::1")).unwrap();
    }

    #[test]
    fn a_late_leave_does_not_hurt_who_has_taken_over() {
        let registry = Registry::default();
        let client = ClientId::from("c1");
        let known = || Known {
            client_id: client.clone(),
            user_id: "ann".into(),
            wire: Wire::Phoenix,
            address: None,
            since_ms: 0,
            queue: Arc::new(Queue::new(1, 1)),
        };
        let first = registry.enter(known());
        let second = registry.enter(known());
        registry.leave(&client, first);
        assert_eq!(registry.lock().by_client.get(&client).map(|entry| entry.0), Some(second));
        registry.leave(&client, second);
        assert!(registry.lock().by_client.is_empty());
    }
}
