//! Metrics by name: which there are, what can be set in their names, what is known of them, and how one is made.
//!
//! A [`MetricRegistry`] is what configuration, heads, selection and composites read. It has the metrics of this crate
//! (`table.rs`) and those that somebody added with [`MetricRegistry::with`]. A name is resolved in three steps:
//!
//! ```text
//! ef@5%  ->  the entry "ef"  ->  settings, each in its range  ->  the metric, which says its one true name: ef@percent=5
//! ```
//!
//! Names are refused where they are resolved, with the nearest name or with the setting and its range. Direction and range
//! are not written twice: they are those of the metric that the name makes. Aliases keep older spellings valid
//! (`top-5-accuracy`, `partial-auroc@0.1`, `ef@1%`).

mod called;
mod entry;
mod table;

use std::{
    any::TypeId,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use mtl_core::{
    Error, Result,
    metric::{MetricFacts, MetricName, MetricSpec, Settings},
    nearest::nearest,
    prediction::{Prediction, Reference},
};

pub use entry::Entry;

use crate::{any::AnyMetric, value::MetricValue};

/// Metrics by name. Cheap to clone.
///
/// ```
/// use mtl_core::{answer::Values, metric::{MetricFacts, MetricName}, prediction::{Prediction, Reference}};
/// use mtl_metrics::{MetricRegistry, Streaming, regress::Tweedie};
/// // One of one's own beside ours; here the deviance of power 1.5 under a name of its own.
/// let facts = MetricFacts::minimize("deviance of counts with zeros", &[Values::NAME]);
/// let metrics = MetricRegistry::default()
///     .with("deviance-ratio", facts, |_| Ok(Box::new(Streaming::new(Named(Tweedie::new(1.5)?)))))?;
/// # #[derive(Debug, Clone)] struct Named(Tweedie);
/// # impl mtl_metrics::Metric for Named {
/// #     type Batch<'a> = mtl_metrics::MetricBatch<'a>;
/// #     type State = <Tweedie as mtl_metrics::Metric>::State;
/// #     fn name(&self) -> &str { "deviance-ratio" }
/// #     fn direction(&self) -> mtl_core::metric::Direction { self.0.direction() }
/// #     fn range(&self) -> (f64, f64) { self.0.range() }
/// #     fn update(&self, state: &mut Self::State, batch: &mtl_metrics::MetricBatch<'_>) -> mtl_core::Result<()> {
/// #         self.0.update(state, batch)
/// #     }
/// #     fn compute(&self, state: &Self::State) -> mtl_metrics::MetricValue { self.0.compute(state) }
/// # }
/// let mut metric = metrics.build(&MetricName::new("deviance-ratio")?)?;
/// let (said, truth) = (Prediction::Values { values: ndarray::array![[1.0]] }, Reference::Values(ndarray::array![[1.0]]));
/// metric.update(&said, &truth)?;
/// assert_eq!(metric.compute().value, Some(0.0));
/// // Old spellings resolve, wrong ones are refused with what is right.
/// assert_eq!(metrics.find(&MetricName::new("top-5-accuracy")?)?.to_string(), "top-k-accuracy@k=5");
/// let e = metrics.find(&MetricName::new("ece@bins=0")?).unwrap_err().to_string();
/// assert_eq!(e, r#"ece: bins must be a whole number from 1 to 65536, found "0""#);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MetricRegistry {
    entries: Arc<Vec<Entry>>,
}

impl Default for MetricRegistry {
    /// The metrics of this crate.
    fn default() -> Self {
        Self::ours().clone()
    }
}

impl MetricRegistry {
    /// The metrics of this crate.
    #[must_use]
    pub fn ours() -> &'static Self {
        static OURS: LazyLock<MetricRegistry> =
            LazyLock::new(|| MetricRegistry { entries: Arc::new(table::entries()) });
        &OURS
    }

    /// The same with one more. `build` makes a metric that has seen nothing from the settings of its name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for what no metric can be called; [`Error::Duplicate`] for a name that is taken;
    /// [`Error::State`] when the metric calls itself otherwise, or tells another direction or range than the facts.
    pub fn with(
        mut self,
        name: &'static str,
        facts: MetricFacts,
        build: impl Fn(&Settings) -> Result<Box<dyn AnyMetric>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let usual = MetricName::new(name)?;
        if usual.settings().next().is_some() || self.entries.iter().any(|entry| entry.base() == name) {
            return Err(Error::Duplicate { what: "metric", name: name.to_owned() });
        }
        let entry = Entry::new(name, facts, build);
        entry.check()?;
        Arc::make_mut(&mut self.entries).push(entry);
        Ok(self)
    }

    /// The metrics in the order of the documentation.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is known of the metric of that name, whose one true name comes with it.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an unknown name, with the nearest ones, or an unknown setting, with those there are;
    /// [`Error::InvalidConfig`] for a setting out of range; [`Error::Duplicate`] for one given twice.
    pub fn find(&self, name: &MetricName) -> Result<MetricSpec> {
        let (entry, metric) = self.made(name)?;
        let facts = MetricFacts { direction: metric.direction(), range: metric.range(), ..*entry.facts() };
        Ok(MetricSpec::new(MetricName::new(metric.name())?, facts))
    }

    /// A metric that has seen nothing.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn build(&self, name: &MetricName) -> Result<Box<dyn AnyMetric>> {
        Ok(self.made(name)?.1)
    }

    /// The one true spelling of a name; `None` where there is no such metric.
    #[must_use]
    pub fn written(&self, name: &MetricName) -> Option<String> {
        let known = self.entries.iter().any(|entry| entry.base() == name.base() || entry.unalias(name).is_some());
        // Whoever is only asking needs no search for the nearest name.
        if known { self.made(name).ok().map(|(_, metric)| metric.name().to_owned()) } else { None }
    }

    /// Whether two names mean one metric, however they are spelled: in an old file and in today's.
    #[must_use]
    pub fn same(&self, a: &str, b: &str) -> bool {
        let written = |name: &str| self.written(&MetricName::new(name).ok()?);
        a == b || written(a).is_some_and(|a| written(b).is_some_and(|b| a == b))
    }

    fn made(&self, name: &MetricName) -> Result<(&Entry, Box<dyn AnyMetric>)> {
        let (entry, settings) = self.read(name)?;
        Ok((entry, entry.build(&settings)?))
    }

    /// The entry that a name means, and what it sets.
    fn read(&self, name: &MetricName) -> Result<(&Entry, Settings)> {
        let alike: Vec<&Entry> = self.entries.iter().filter(|entry| entry.base() == name.base()).collect();
        match alike.as_slice() {
            [] => {}
            [one] => return Ok((one, one.settings(name)?)),
            several => {
                // recall@fpr=0.01 or recall@k=10: the key tells.
                let told = |entry: &&&Entry| name.settings().any(|(key, _)| key.is_some_and(|key| entry.has(key)));
                let Some(one) = several.iter().find(told) else {
                    let known = several.iter().map(|entry| entry.usual()).collect();
                    return Err(Error::UnknownName { what: "metric", name: name.to_string(), known });
                };
                return Ok((one, one.settings(name)?));
            }
        }
        for entry in self.entries.iter() {
            if let Some(name) = entry.unalias(name) {
                return Ok((entry, entry.settings(&name)?));
            }
        }
        Err(self.unknown(name))
    }

    fn unknown(&self, name: &MetricName) -> Error {
        let usual: Vec<String> = self.entries.iter().map(|entry| entry.usual()).collect();
        let bases = self.entries.iter().map(Entry::base);
        let near = nearest(name.as_str(), usual.iter().map(String::as_str)).or_else(|| nearest(name.base(), bases));
        let known = match near {
            Some(near) => vec![near.to_owned(), format!("{} more, see mtl list metrics", usual.len() - 1)],
            None => {
                let shown = usual.len().min(12);
                let more = format!("{} more, see mtl list metrics", usual.len() - shown);
                usual.into_iter().take(shown).chain([more]).collect()
            }
        };
        Error::UnknownName { what: "metric", name: name.to_string(), known }
    }
}

/// A registry, and for each name that was added the type of what makes it.
type WithAdded = (MetricRegistry, Vec<(&'static str, TypeId)>);

/// The metrics of the process: ours, and those that were [`register`]ed.
static PROCESS: RwLock<Option<WithAdded>> = RwLock::new(None);

/// The metrics of the process: ours, and those that were [`register`]ed. Whoever reads files or configurations asks this one.
#[must_use]
pub fn process() -> MetricRegistry {
    let known = PROCESS.read().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().map_or_else(MetricRegistry::default, |(registry, _)| registry.clone())
}

/// Adds a metric to those of the process, before its name is read. Adding the same again changes nothing.
///
/// # Errors
/// As [`MetricRegistry::with`].
pub fn register<B>(name: &'static str, facts: MetricFacts, build: B) -> Result<()>
where
    B: Fn(&Settings) -> Result<Box<dyn AnyMetric>> + Send + Sync + 'static,
{
    let mut known = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
    let (registry, added) = known.get_or_insert_with(|| (MetricRegistry::default(), Vec::new()));
    let entry = (name, TypeId::of::<B>());
    if !added.contains(&entry) {
        *registry = registry.clone().with(name, facts, build)?;
        added.push(entry);
    }
    Ok(())
}

/// One of our metrics by name, with what is known of it: `known("ece@bins=10")`.
///
/// # Errors
/// As [`MetricRegistry::find`].
pub fn known(name: &str) -> Result<MetricSpec> {
    MetricRegistry::ours().find(&MetricName::new(name)?)
}

/// One of our metrics that has seen nothing.
///
/// # Errors
/// As [`MetricRegistry::build`].
pub fn build(name: &str) -> Result<Box<dyn AnyMetric>> {
    MetricRegistry::ours().build(&MetricName::new(name)?)
}

/// One of our metrics of one set of predictions, at once.
///
/// # Errors
/// As [`build`], and as [`Metric::update`](crate::Metric::update).
pub fn evaluate(name: &str, prediction: &Prediction, reference: &Reference) -> Result<MetricValue> {
    let mut metric = build(name)?;
    metric.update(prediction, reference)?;
    Ok(metric.compute())
}
