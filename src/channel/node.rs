//! Which node the channel is, and the refs that it gives presences.

use alloc::{borrow::Cow, format, string::String, sync::Arc};
use core::num::NonZeroU64;

use crate::{
    config::{Config, ConfigError, Limit},
    ids::{ClusterName, NodeId},
    presence::Origin,
};

/// A node, and the counter of its presence refs.
#[derive(Debug, Clone)]
pub(super) struct Node {
    label: Cow<'static, str>,
    origin: Option<Arc<Origin>>,
    cluster: Option<ClusterName>,
    // Invariant: the number of every ref given so far is smaller.
    next_ref: NonZeroU64,
    pub(super) phase: Phase,
}

/// Whether the channel works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// From a crash to the next restart.
    Crashed,
}

impl Node {
    pub(super) const fn single() -> Self {
        let (label, next_ref) = (Cow::Borrowed("single_node"), NonZeroU64::MIN);
        Self { label, origin: None, cluster: None, next_ref, phase: Phase::Running }
    }

    pub(super) fn of_cluster(
        node: NodeId,
        cluster: ClusterName,
        config: &Config,
    ) -> Result<Self, ConfigError> {
        for (of, name) in [("node", node.as_str()), ("cluster", cluster.as_str())] {
            let max = config.limit(Limit::NameBytes);
            if name.is_empty() || name.len() as u64 > max {
                return Err(ConfigError::InvalidNodeName { of, name: String::from(name), max });
            }
        }
        Ok(Self {
            label: Cow::Owned(format!("cluster_ready:{cluster}/{node}")),
            origin: Some(Arc::new(Origin { node, incarnation: config.incarnation() })),
            cluster: Some(cluster),
            next_ref: NonZeroU64::MIN,
            phase: Phase::Running,
        })
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) const fn origin(&self) -> Option<&Arc<Origin>> {
        self.origin.as_ref()
    }

    /// Its name and that of its cluster.
    pub(super) fn of_which(&self) -> Option<(&NodeId, &ClusterName)> {
        self.name().zip(self.cluster.as_ref())
    }

    pub(super) const fn set_next_ref(&mut self, number: NonZeroU64) {
        self.next_ref = number;
    }

    /// Its name, in a cluster.
    pub(super) fn name(&self) -> Option<&NodeId> {
        self.origin.as_ref().map(|origin| &origin.node)
    }

    /// The number of the ref that is given next.
    pub(super) const fn upcoming_ref(&self) -> NonZeroU64 {
        self.next_ref
    }

    /// The number of a ref that was never given.
    pub(super) const fn next_ref(&mut self) -> NonZeroU64 {
        let number = self.next_ref;
        self.next_ref = number.saturating_add(1);
        number
    }
}
