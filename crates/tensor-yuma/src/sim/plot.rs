//! Plots of a simulation as SVG, drawn with the crate `plotters`. Feature `plot`.

use plotters::prelude::*;

use super::history::{EpochRecord, History};

/// What to plot over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantity {
    /// Dividends of each validator.
    Dividends,
    /// Dividends of each validator relative to its share of the stake.
    DividendsPerStake,
    /// Trust of each validator.
    ValidatorTrust,
    /// Incentive of each miner.
    Incentive,
    /// Consensus on each miner.
    Consensus,
}

/// Why a plot could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is no epoch.
    #[error("the history has no epochs")]
    Empty,
    /// The drawing crate refused.
    #[error("drawing: {message}")]
    Drawing {
        /// What it said.
        message: String,
    },
}

impl Quantity {
    /// Title of the plot.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dividends => "dividends by validator",
            Self::DividendsPerStake => "dividends per stake by validator",
            Self::ValidatorTrust => "validator trust",
            Self::Incentive => "incentive by miner",
            Self::Consensus => "consensus by miner",
        }
    }

    fn value(self, record: &EpochRecord, index: usize) -> f64 {
        match self {
            Self::Dividends => record.dividends[index],
            Self::ValidatorTrust => record.validator_trust[index],
            Self::Incentive => record.incentive[index],
            Self::Consensus => record.consensus[index],
            Self::DividendsPerStake => {
                let share = record.stake_share(index);
                if share > 0.0 { record.dividends[index] / share } else { 0.0 }
            }
        }
    }

    fn labels(self, history: &History) -> Vec<String> {
        match self {
            Self::Incentive | Self::Consensus => {
                (0..history.miners).map(|j| format!("miner {j}")).collect()
            }
            _ => history
                .validators
                .iter()
                .enumerate()
                .map(|(i, name)| format!("{i} {name}"))
                .collect(),
        }
    }
}

/// Draw one quantity over the epochs: a line per validator or miner, an SVG document of 900 by 500.
///
/// # Errors
/// [`PlotError`] for an empty history or when drawing fails.
pub fn svg(history: &History, quantity: Quantity) -> Result<String, PlotError> {
    if history.epochs.is_empty() {
        return Err(PlotError::Empty);
    }
    let mut text = String::new();
    draw(history, quantity, &mut text).map_err(|message| PlotError::Drawing { message })?;
    Ok(text)
}

fn draw(history: &History, quantity: Quantity, text: &mut String) -> Result<(), String> {
    let labels = quantity.labels(history);
    let value = |record: &EpochRecord, index| quantity.value(record, index);
    let top = history
        .epochs
        .iter()
        .flat_map(|record| (0..labels.len()).map(move |index| value(record, index)))
        .fold(0.0f64, f64::max);
    let said = |error: &dyn core::fmt::Display| error.to_string();

    let area = SVGBackend::with_string(text, (900, 500)).into_drawing_area();
    area.fill(&WHITE).map_err(|e| said(&e))?;
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{}: {}", history.name, quantity.title()), ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0..history.epochs.len().max(2) - 1, 0.0..(top * 1.05).max(1e-9))
        .map_err(|e| said(&e))?;
    chart.configure_mesh().x_desc("epoch").draw().map_err(|e| said(&e))?;
    for (index, label) in labels.iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let points = history.epochs.iter().map(|record| (record.epoch, value(record, index)));
        let series = chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .map_err(|e| said(&e))?;
        series
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|e| said(&e))?;
    drop(chart);
    area.present().map_err(|e| said(&e))
}
