//! One line of a registry.

use std::{fmt, sync::Arc};

use mtl_core::{
    Error, Result,
    answer::{Answer, Constant},
    metric::{MetricFacts, MetricName, Setting, Settings},
};

use crate::{
    any::AnyMetric,
    judged::FromJudged,
    metric::{Metric, Streaming},
};

type Build = Arc<dyn Fn(&Settings) -> Result<Box<dyn AnyMetric>> + Send + Sync>;

/// A metric, or those of one base name that differ in settings.
#[derive(Clone)]
pub struct Entry {
    base: &'static str,
    facts: MetricFacts,
    /// An older spelling; `*` is the value of the first setting.
    alias: Option<&'static str>,
    build: Build,
}

impl Entry {
    /// An entry whose facts are believed until [`check`](Self::check).
    pub(super) fn new(
        base: &'static str,
        facts: MetricFacts,
        build: impl Fn(&Settings) -> Result<Box<dyn AnyMetric>> + Send + Sync + 'static,
    ) -> Self {
        Self { base, facts, alias: None, build: Arc::new(build) }
    }

    /// A metric with nothing to set: direction and range it says itself.
    pub(super) fn of<M: Metric>(
        base: &'static str,
        metric: M,
        answers: &'static [&'static str],
        about: &'static str,
    ) -> Self
    where
        for<'a> M::Batch<'a>: FromJudged<'a>,
    {
        Self::of_fresh(base, Box::new(Streaming::new(metric)), answers, about)
    }

    fn of_fresh(
        base: &'static str,
        fresh: Box<dyn AnyMetric>,
        answers: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        let (direction, range) = (fresh.direction(), fresh.range());
        let facts = MetricFacts { direction, range, ..MetricFacts::maximize(about, answers) };
        Self::new(base, facts, move |_| Ok(fresh.clone()))
    }

    /// A metric that `make` makes of its settings.
    pub(super) fn set<M: Metric>(
        base: &'static str,
        answers: &'static [&'static str],
        about: &'static str,
        settings: &'static [Setting],
        make: fn(&Settings) -> Result<M>,
    ) -> Self
    where
        for<'a> M::Batch<'a>: FromJudged<'a>,
    {
        let facts = MetricFacts::maximize(about, answers).with(settings);
        Self::new(base, facts, move |settings| Ok(Box::new(Streaming::new(make(settings)?)))).told()
    }

    /// The same with the direction and the range that the metric itself says.
    fn told(mut self) -> Self {
        if let Ok(usual) = self.settings_of(self.base).and_then(|usual| self.build(&usual)) {
            (self.facts.direction, self.facts.range) = (usual.direction(), usual.range());
        }
        self
    }

    /// The same with an older spelling.
    pub(super) fn once(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// The same, liking that constant answer best.
    pub(super) fn at_best(mut self, constant: Constant) -> Self {
        self.facts = self.facts.at_best(constant);
        self
    }

    /// The name without settings.
    #[must_use]
    pub fn base(&self) -> &'static str {
        self.base
    }

    /// What is known of it, direction and range with the usual settings.
    #[must_use]
    pub fn facts(&self) -> &MetricFacts {
        &self.facts
    }

    /// Whether a kind of answer that exists today, or was registered from outside, can be judged by it.
    #[must_use]
    pub fn is_fed(&self) -> bool {
        let known = Answer::all();
        self.facts.answers.iter().any(|answers| known.iter().any(|(kind, _)| kind == answers))
    }

    /// The name with its usual settings, as it is written.
    #[must_use]
    pub fn usual(&self) -> String {
        let usual = self.settings_of(self.base).and_then(|usual| usual.name());
        usual.map_or_else(|_| self.base.to_owned(), String::from)
    }

    /// Holds facts and metric together: with the usual settings it is called by this name and tells direction and range as
    /// the facts do.
    ///
    /// # Errors
    /// [`Error::State`] with what differs; what making it refuses.
    pub fn check(&self) -> Result<()> {
        let settings = self.settings_of(self.base)?;
        let metric = self.build(&settings)?;
        let (name, told) = (settings.name()?, MetricName::new(metric.name())?);
        let refuse = |reason: String| Err(Error::State { what: format!("metric {}", self.base), reason });
        if told != name {
            return refuse(format!("it calls itself {told}, expected {name}"));
        }
        if metric.direction() != self.facts.direction || metric.range() != self.facts.range {
            return refuse(format!(
                "it tells {:?} in {:?}, its facts say {:?} in {:?}",
                metric.direction(),
                metric.range(),
                self.facts.direction,
                self.facts.range
            ));
        }
        Ok(())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.facts.settings.iter().any(|setting| setting.key == key)
    }

    pub(super) fn settings(&self, name: &MetricName) -> Result<Settings> {
        Settings::read(self.base, self.facts.settings, name)
    }

    fn settings_of(&self, base: &str) -> Result<Settings> {
        self.settings(&MetricName::new(base)?)
    }

    pub(super) fn build(&self, settings: &Settings) -> Result<Box<dyn AnyMetric>> {
        (self.build)(settings)
    }

    /// An older spelling as today's.
    pub(super) fn unalias(&self, name: &MetricName) -> Option<MetricName> {
        let (before, after) = self.alias?.split_once('*')?;
        let value = name.as_str().strip_prefix(before)?.strip_suffix(after)?;
        value.parse::<f64>().ok()?;
        MetricName::new(&format!("{}@{value}", self.base)).ok()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("base", &self.base).field("facts", &self.facts).finish_non_exhaustive()
    }
}
