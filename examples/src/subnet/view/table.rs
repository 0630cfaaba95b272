//! The live table.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Gauge, Row as TableRow, Table};
use tensor_core::{Alpha, Tao};

use super::super::board::{Row, State};

/// Draws the whole board.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let areas = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(4),
        Constraint::Length(1),
        Constraint::Length(1),
    ]);
    let [head, body, epochs, customer] = areas.areas(frame.area());
    frame.render_widget(header(state), head);
    frame.render_widget(table(state), body);
    frame.render_widget(progress("epochs", state.epoch, Color::Blue), epochs);
    frame.render_widget(progress("customer's lines", state.customer, Color::Green), customer);
}

fn header(state: &State) -> Line<'static> {
    let strong = Style::new().add_modifier(Modifier::BOLD);
    let requests = state.requests;
    let fact = |name: &str, value: String| {
        [Span::raw(format!("{name} ")), Span::styled(value, strong), Span::raw("   ")]
    };
    let facts = [
        fact("block", state.block.to_string()),
        fact("alpha", format!("{:.6}", Tao::from_rao(state.price_rao))),
        fact("issuance", format!("{:.3}", Tao::from_rao(state.issuance_rao))),
        fact("requests", format!("{} ok, {} failed", requests.ok, requests.failed)),
    ];
    Line::from(facts.into_iter().flatten().collect::<Vec<_>>())
}

fn table(state: &State) -> Table<'static> {
    let titles =
        ["uid", "name", "kind", "hotkey", "score", "incentive", "dividends", "last epoch", "stake"];
    let header = TableRow::new(titles).style(Style::new().add_modifier(Modifier::BOLD));
    let rows = state.rows.iter().map(|(uid, row)| line(*uid, row));
    let widths = [
        Constraint::Length(4),
        Constraint::Length(12),
        Constraint::Length(10),
        Constraint::Length(9),
        Constraint::Length(6),
        Constraint::Length(20),
        Constraint::Length(10),
        Constraint::Length(14),
        Constraint::Length(16),
    ];
    Table::new(rows, widths).header(header).block(Block::new().borders(Borders::TOP))
}

fn line(uid: u16, row: &Row) -> TableRow<'static> {
    let color = match row.kind.as_str() {
        _ if row.stopped => Color::DarkGray,
        "validator" => Color::Cyan,
        "owner" => Color::Yellow,
        "random" | "stale" => Color::Red,
        _ => Color::Green,
    };
    let share = |share: f64| match share > 0.0 {
        true => format!("{:.1} %", share * 100.0),
        false => String::new(),
    };
    let alpha = |units: u64| match units {
        0 => String::new(),
        units => format!("{:.4}", Alpha::from_rao(units)).replace(" alpha", ""),
    };
    let kind = if row.stopped { "stopped".to_owned() } else { row.kind.clone() };
    TableRow::new([
        Cell::from(uid.to_string()),
        Cell::from(row.name.clone()),
        Cell::from(kind).style(Style::new().fg(color)),
        Cell::from(row.hotkey.clone()),
        Cell::from(row.score.map(|score| format!("{score:.3}")).unwrap_or_default()),
        Cell::from(bar(row.incentive)).style(Style::new().fg(color)),
        Cell::from(share(row.dividends)),
        Cell::from(alpha(row.emission)),
        Cell::from(alpha(row.stake)),
    ])
}

/// A bar of at most twelve cells with the share behind it.
fn bar(share: f64) -> String {
    if share <= 0.0 {
        return String::new();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let eighths = (share.clamp(0.0, 1.0) * 96.0).round() as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let rest = rest.get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest} {:.1} %", "█".repeat(eighths / 8), share * 100.0)
}

fn progress(name: &str, (done, all): (u64, u64), color: Color) -> Gauge<'static> {
    #[allow(clippy::cast_precision_loss)]
    let ratio = if all == 0 { 0.0 } else { (done as f64 / all as f64).clamp(0.0, 1.0) };
    Gauge::default()
        .gauge_style(Style::new().fg(color))
        .label(format!("{name} {done}/{all}"))
        .ratio(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn everything_has_its_place() {
        let row = Row {
            name: "miner-0".into(),
            kind: "large".into(),
            hotkey: "5Grwva".into(),
            score: Some(0.9),
            incentive: 0.25,
            dividends: 0.0,
            emission: 1_500_000_000,
            stake: 2_000_000_000,
            stopped: false,
        };
        let mut state = State::default();
        (state.block, state.epoch) = (77, (3, 12));
        state.rows.insert(4, row);
        let mut terminal = Terminal::new(TestBackend::new(110, 12)).unwrap();
        terminal.draw(|frame| draw(frame, &state)).unwrap();
        let text = terminal.backend().to_string();
        for part in ["block 77", "miner-0", "0.900", "███ 25.0 %", "1.5000", "epochs 3/12"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
