//! One image of COCO's detection metrics: what was found and what there is, sorted by class and matched.
//!
//! Boxes and masks differ in how large a [`Region`] is and how much two of them overlap; all else is here once.
//! Of every class the 100 best detections are used.

use std::{cmp::Ordering, collections::BTreeMap};

use mtl_core::Result;

use crate::{
    chunks::map_each,
    detect::coco_match::{ClassMatches, ImageMatches, Scene, match_class},
    keyed::Keyed,
    metric::refused,
    refusal::{check_each, numbers, same_length},
};

/// Area ranges: all, small, medium, large; both ends included.
pub(super) const AREAS: [(f64, f64); 4] = [(0.0, 1e10), (0.0, 1024.0), (1024.0, 9216.0), (9216.0, 1e10)];
/// Detections of a class in an image.
pub(super) const LIMITS: [usize; 3] = [1, 10, 100];

/// What detections and objects are made of.
pub(crate) trait Region: Sync {
    /// Pixels.
    fn area(&self) -> f64;

    /// How much of the union of a detection and a truth (of the detection alone, for a crowd) is covered by both.
    fn overlap(&self, truth: &Self, crowd: bool) -> f64;
}

/// The two sides of an image, as parallel lists.
#[derive(Debug)]
pub(super) struct Sides<'a, R> {
    pub(super) said: &'a [R],
    pub(super) scores: &'a [f64],
    pub(super) said_classes: &'a [u32],
    pub(super) truth: &'a [R],
    pub(super) truth_classes: &'a [u32],
    pub(super) areas: Option<&'a [f64]>,
    pub(super) crowd: Option<&'a [bool]>,
}

impl<R: Region> Sides<'_, R> {
    /// Whether the lists fit together and their numbers are numbers; regions are checked by their kind.
    pub(super) fn check(&self) -> Result<()> {
        let (d, g) = (self.said.len(), self.truth.len());
        numbers("detections", "scores", self.scores)?;
        same_length("detections", "scores", d, self.scores.len())?;
        same_length("detections", "classes", d, self.said_classes.len())?;
        same_length("objects", "classes", g, self.truth_classes.len())?;
        if let Some(areas) = self.areas {
            check_each("objects", "areas", "0 or more", areas, |area| (0.0..=1e100).contains(&area))?;
            same_length("objects", "areas", g, areas.len())?;
        }
        same_length("objects", "crowd", g, self.crowd.map_or(g, <[_]>::len))
    }

    fn matches(&self) -> ImageMatches {
        // Positions of detections and of objects by class.
        let mut classes: BTreeMap<u32, [Vec<usize>; 2]> = BTreeMap::new();
        for (side, list) in [self.said_classes, self.truth_classes].into_iter().enumerate() {
            for (idx, &class) in list.iter().enumerate() {
                classes.entry(class).or_default()[side].push(idx);
            }
        }
        ImageMatches(
            classes
                .into_iter()
                .map(|(class, [mut found, there])| {
                    found.sort_by(|&a, &b| by_score(self.scores[a], self.scores[b]));
                    found.truncate(LIMITS[2]);
                    self.matches_of(class, &found, &there)
                })
                .collect(),
        )
    }

    fn matches_of(&self, class: u32, found: &[usize], there: &[usize]) -> ClassMatches {
        let crowd: Vec<bool> = there.iter().map(|&g| self.crowd.is_some_and(|crowd| crowd[g])).collect();
        let overlap = |d: usize, g: usize, crowd: bool| self.said[d].overlap(&self.truth[g], crowd);
        let overlaps: Vec<f64> = found
            .iter()
            .flat_map(|&d| there.iter().zip(&crowd).map(move |(&g, &crowd)| overlap(d, g, crowd)))
            .collect();
        let area = |&g: &usize| self.areas.map_or_else(|| self.truth[g].area(), |areas| areas[g]);
        let scene = Scene {
            class,
            scores: &found.iter().map(|&d| self.scores[d] + 0.0).collect::<Vec<_>>(),
            detection_areas: &found.iter().map(|&d| self.said[d].area()).collect::<Vec<_>>(),
            overlaps: &overlaps,
            object_areas: &there.iter().map(area).collect::<Vec<_>>(),
            crowd: &crowd,
            ignored: &crowd,
        };
        match_class(&scene, &AREAS)
    }
}

/// Matches images in parallel and adds them to a state.
///
/// # Errors
/// An id that is there already; the state is unchanged then.
pub(super) fn fold<'a, I, R>(
    metric: &str,
    state: &mut Keyed<ImageMatches>,
    images: &'a [I],
    sides: impl Fn(&'a I) -> (u64, Sides<'a, R>) + Sync,
) -> Result<()>
where
    I: Sync,
    R: Region + 'a,
{
    let matched = map_each(images.len(), |idx| {
        let (id, sides) = sides(&images[idx]);
        (id, sides.matches())
    });
    let mut part = Keyed::default();
    matched
        .into_iter()
        .try_for_each(|(id, record)| part.insert(id, record))
        .and_then(|()| state.absorb(part))
        .map_err(|reason| refused(metric, reason))
}

/// Falling scores; -0.0 equals 0.0.
pub(crate) fn by_score(a: f64, b: f64) -> Ordering {
    (b + 0.0).total_cmp(&(a + 0.0))
}
