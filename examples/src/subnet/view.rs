//! Showing a run: a live table on a terminal, plain lines elsewhere.

mod summary;
mod table;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tensor_core::Alpha;

use super::board::{Board, State};

pub use summary::summary;

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A table that is drawn again and again, below it the log.
    Live,
    /// A line whenever something happens.
    Plain,
    /// Nothing.
    Silent,
}

impl Style {
    /// Live on a terminal unless plain lines are wanted; nothing if the outcome goes to standard output
    /// as JSON.
    pub fn choose(plain: bool, json: bool) -> Self {
        match (json, plain || !io::stdout().is_terminal()) {
            (true, _) => Self::Silent,
            (false, true) => Self::Plain,
            (false, false) => Self::Live,
        }
    }
}

/// Shows the board until it is over. Never stops the run: what cannot be drawn is left out.
pub async fn show(board: Board, style: Style) {
    match style {
        Style::Live => {
            if live(&board).await.is_err() {
                plain(&board).await;
            }
        }
        Style::Plain => plain(&board).await,
        Style::Silent => {}
    }
}

/// How many lines of the log stand above the table at most in one frame.
const LOG_BURST: usize = 20;

async fn live(board: &Board) -> io::Result<()> {
    let rows = board.snapshot().rows.len().max(12);
    let height = u16::try_from(rows + 7).unwrap_or(u16::MAX);
    let options = TerminalOptions { viewport: Viewport::Inline(height) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(io::stdout()), options)?;
    let mut said = 0;
    loop {
        let state = board.snapshot();
        let fresh = fresh(&state, &mut said);
        for line in fresh.iter().rev().take(LOG_BURST).rev() {
            terminal.insert_before(1, |buffer| {
                ratatui::widgets::Widget::render(
                    ratatui::text::Line::from(line.as_str()),
                    buffer.area,
                    buffer,
                );
            })?;
        }
        terminal.draw(|frame| table::draw(frame, &state))?;
        if state.over {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Leave the last table where it is and go on below it.
    let area = terminal.get_frame().area();
    terminal.set_cursor_position((0, area.bottom().saturating_sub(1)))?;
    writeln!(io::stdout())
}

async fn plain(board: &Board) {
    let (mut said, mut epoch) = (0, 0);
    loop {
        let state = board.snapshot();
        for line in fresh(&state, &mut said) {
            println!("{line}");
        }
        if state.epoch.0 != epoch {
            epoch = state.epoch.0;
            println!("{}", epoch_line(&state));
        }
        if state.over {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The lines of the log that were not shown yet.
fn fresh(state: &State, said: &mut usize) -> Vec<String> {
    let new = (state.said - *said).min(state.lines.len());
    *said = state.said;
    state.lines.iter().skip(state.lines.len() - new).cloned().collect()
}

fn epoch_line(state: &State) -> String {
    let paid = state.rows.values().filter(|row| row.emission > 0);
    let paid: Vec<_> =
        paid.map(|row| format!("{} {:.3}", row.name, Alpha::from_rao(row.emission))).collect();
    format!("  epoch {}/{}: {}", state.epoch.0, state.epoch.1, paid.join(", "))
}
