//! All containers of a host, by id and by name.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use terrarium_api::{Error, ErrorCode};

use super::{container::Container, id::ContainerId, names};
use crate::{
    Result,
    error::{no_such_container, quoted},
};

/// The containers and their names. Every name belongs to one container, or to one that is being made.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: RwLock<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    containers: BTreeMap<ContainerId, Arc<Container>>,
    names: HashMap<String, ContainerId>,
}

/// A name that is taken, but not yet used. Dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    table: &'a Table,
    name: Option<String>,
}

impl Reserved<'_> {
    /// The name.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Leaves the name to the container that it was reserved for.
    pub(crate) fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.table.write().names.remove(&name);
        }
    }
}

impl Table {
    /// Takes `wish` for container `id`, or makes up a name.
    pub(crate) fn reserve(&self, wish: Option<&str>, id: &ContainerId) -> Result<Reserved<'_>> {
        let mut rows = self.write();
        let name = match wish {
            None => names::generate(|name| rows.names.contains_key(name)),
            Some(wish) => {
                let name = names::parse(wish)?;
                if let Some(owner) = rows.names.get(name) {
                    return Err(name_in_use(name, owner));
                }
                name.to_owned()
            }
        };
        rows.names.insert(name.clone(), id.clone());
        Ok(Reserved {
            table: self,
            name: Some(name),
        })
    }

    /// Adds a container whose name is reserved, or that was read from its record.
    pub(crate) fn insert(&self, container: Arc<Container>) {
        let name = container.state().record.name.clone();
        let mut rows = self.write();
        rows.names.insert(name, container.id.clone());
        rows.containers.insert(container.id.clone(), container);
    }

    /// Takes a container out, and frees its name.
    pub(crate) fn remove(&self, container: &Container) {
        let name = container.state().record.name.clone();
        let mut rows = self.write();
        rows.containers.remove(&container.id);
        rows.names.remove(&name);
    }

    /// Frees a name that a container had before it was renamed.
    pub(crate) fn free_name(&self, name: &str) {
        self.write().names.remove(name);
    }

    /// All containers, in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Arc<Container>> {
        self.read().containers.values().map(Arc::clone).collect()
    }

    /// The container with this id, this name, or this beginning of an id, in this order.
    pub(crate) fn find(&self, text: &str) -> Result<Arc<Container>> {
        let rows = self.read();
        if let Some(found) = rows.by_id(text).or_else(|| rows.by_name(text)) {
            return Ok(Arc::clone(found));
        }
        let mut matches = rows.by_prefix(text);
        match (matches.next(), matches.next()) {
            (Some(found), None) => Ok(Arc::clone(found)),
            (Some(_), Some(_)) => Err(Error::new(
                ErrorCode::InvalidArgument,
                format!(
                    "more than one container has an id that begins with {}",
                    quoted(text)
                ),
            )
            .hint("give more digits of the id")),
            (None, _) => Err(no_such_container(text)),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        // Both maps are changed without anything between that can panic.
        self.rows
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Rows> {
        self.rows
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Rows {
    fn by_id(&self, text: &str) -> Option<&Arc<Container>> {
        let id = ContainerId::try_from(text.to_owned()).ok()?;
        self.containers.get(&id)
    }

    fn by_name(&self, text: &str) -> Option<&Arc<Container>> {
        let name = text.strip_prefix('/').unwrap_or(text);
        // A reserved name has no container yet.
        self.containers.get(self.names.get(name)?)
    }

    fn by_prefix<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Arc<Container>> {
        let matching = move |id: &ContainerId| !text.is_empty() && id.as_str().starts_with(text);
        self.containers
            .iter()
            .filter(move |(id, _)| matching(id))
            .map(|(_, container)| container)
    }
}

fn name_in_use(name: &str, owner: &ContainerId) -> Error {
    Error::new(
        ErrorCode::NameInUse,
        format!("the container name {name:?} is in use by container {owner}"),
    )
    .hint("remove or rename that container, or choose another name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::record::tests::record;

    fn container(digit: char, name: &str) -> Arc<Container> {
        let mut record = record();
        record.id = ContainerId::try_from(digit.to_string().repeat(64)).unwrap();
        record.name = name.into();
        Arc::new(Container::new(record))
    }

    #[test]
    fn a_container_is_found_by_id_name_and_unique_prefix_in_this_order() {
        let table = Table::default();
        let (one, two) = (container('a', "web"), container('b', "aa"));
        table.insert(Arc::clone(&one));
        table.insert(Arc::clone(&two));
        let check = |text: &str, expect: &Arc<Container>| {
            assert_eq!(table.find(text).unwrap().id, expect.id, "{text}");
        };
        check(one.id.as_str(), &one);
        check("/web", &one);
        check("aa", &two);
        check("aaa", &one);
        assert_eq!(table.find("").unwrap_err().code, ErrorCode::NoSuchContainer);
        assert_eq!(
            table.find("c").unwrap_err().code,
            ErrorCode::NoSuchContainer
        );
    }

    #[test]
    fn a_prefix_of_several_ids_is_refused() {
        let table = Table::default();
        let mut record = record();
        for last in ['1', '2'] {
            record.id = ContainerId::try_from(format!("{}{last}", "a".repeat(63))).unwrap();
            record.name = format!("n{last}");
            table.insert(Arc::new(Container::new(record.clone())));
        }
        assert_eq!(
            table.find("aaa").unwrap_err().code,
            ErrorCode::InvalidArgument
        );
    }

    #[test]
    fn a_reserved_name_is_taken_until_it_is_dropped() {
        let table = Table::default();
        let id = ContainerId::random();
        let reserved = table.reserve(Some("web"), &id).unwrap();
        let refused = table.reserve(Some("/web"), &id).unwrap_err();
        assert_eq!(refused.code, ErrorCode::NameInUse);
        assert_eq!(
            table.find("web").unwrap_err().code,
            ErrorCode::NoSuchContainer
        );
        drop(reserved);
        table.reserve(Some("web"), &id).unwrap().keep();
        assert!(table.reserve(Some("web"), &id).is_err());
    }
}
