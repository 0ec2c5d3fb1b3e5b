//! A live dashboard in the terminal: loss curves per task, weights, metrics, time left, and the strip of gradient conflict.
//!
//! ```text
//! state.rs  Dashboard: what is known, fed by the run           view.rs  how it looks in a frame of any size
//! here      Tui: an observer that owns the terminal, redraws a few times a second, and hears the keyboard
//! ```
//! `q` or Ctrl-C asks the run to write a checkpoint and stop. The terminal is given back at the end, when the run fails, and
//! when anything panics. Only with the feature `tui`, because it brings a terminal library along.

mod state;
mod view;

use std::{
    io,
    time::{Duration, Instant},
};

use mtl_core::task::TaskSet;
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event, KeyCode, KeyModifiers},
};
pub use state::Dashboard;
pub use view::draw;

use crate::{
    analysis::inspect::Finding,
    monitor::console::note,
    train::trainer::{EpochSummary, Flow, Observer, StepSummary},
};

/// The dashboard on a terminal.
#[derive(Debug)]
pub struct Tui {
    terminal: Option<DefaultTerminal>,
    dashboard: Dashboard,
    noticed: Vec<Finding>,
    last: Option<Instant>,
    stop: bool,
}

/// Redrawing more often than people can read costs time.
const REDRAW: Duration = Duration::from_millis(200);

impl Tui {
    /// Takes the terminal over for a run of `total_steps` optimizer steps.
    ///
    /// # Errors
    /// What the system says when standard output is no terminal.
    pub fn start(title: &str, tasks: &TaskSet, total_steps: u64) -> io::Result<Self> {
        let names: Vec<String> = tasks.names().map(ToString::to_string).collect();
        let terminal = Some(ratatui::try_init()?);
        Ok(Self {
            terminal,
            dashboard: Dashboard::new(title, &names, total_steps),
            noticed: Vec::new(),
            last: None,
            stop: false,
        })
    }

    fn refresh(&mut self) {
        let Some(terminal) = &mut self.terminal else { return };
        // A terminal that went away is no reason to end a run.
        if terminal.draw(|frame| draw(frame, &self.dashboard)).is_err() {
            self.give_back();
        }
    }

    fn listen(&mut self) {
        while self.terminal.is_some() && event::poll(Duration::ZERO).unwrap_or(false) {
            if let Ok(Event::Key(key)) = event::read() {
                let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                if interrupt || key.code == KeyCode::Char('q') {
                    self.stop = true;
                    self.dashboard.stopping();
                }
            }
        }
    }

    fn give_back(&mut self) {
        let Some(mut terminal) = self.terminal.take() else { return };
        // A terminal that is dropped while its cursor is hidden complains on standard error, and panics where that is
        // closed too: one whose cursor cannot be shown any more is not dropped.
        if terminal.show_cursor().is_err() {
            std::mem::forget(terminal);
        }
        let _ = ratatui::try_restore();
        self.noticed.drain(..).for_each(note);
    }
}

impl Observer for Tui {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.dashboard.step(step);
        if self.last.is_some_and(|last| last.elapsed() < REDRAW) {
            return;
        }
        self.last = Some(Instant::now());
        self.listen();
        self.refresh();
    }

    /// Told when the terminal is the user's again: lines between the panes would spoil them.
    fn noticed(&mut self, finding: &Finding) {
        self.noticed.push(finding.clone());
    }

    fn epoch(&mut self, epoch: &EpochSummary) {
        self.dashboard.epoch(epoch);
        self.refresh();
    }

    fn flow(&self) -> Flow {
        if self.stop { Flow::Stop } else { Flow::Continue }
    }

    fn finished(&mut self) {
        self.give_back();
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.give_back();
    }
}
