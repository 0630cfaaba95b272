//! The end of a run in words: who earned what, and whether the ledgers close.

use std::fmt::Write as _;

use tensor_core::{Alpha, Tao};

use super::super::report::{AlphaLedger, Neuron, Report, TaoLedger};
use super::super::story::Outcome;

/// The summary of a run, to be printed.
pub fn summary(outcome: &Outcome) -> String {
    let report = &outcome.report;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\nSubnet {}: {} epochs in {} blocks, {} requests ({} ok, {} failed)\n",
        report.netuid,
        report.epochs,
        report.blocks,
        report.requests.sent,
        report.requests.ok,
        report.requests.failed
    );
    let _ = writeln!(text, "  uid  kind        earned (alpha)      worth (TAO)  incentive  hotkey");
    let mut neurons: Vec<&Neuron> = report.miners.iter().chain(&report.validators).collect();
    neurons.sort_by_key(|neuron| std::cmp::Reverse(neuron.earned_alpha));
    for neuron in neurons {
        let _ = writeln!(text, "{}", line(neuron, &outcome.stopped));
    }
    let owner = report.owner;
    let _ = writeln!(
        text,
        "    -  owner     {:>16}  {:>15}\n",
        bare(Alpha::from_rao(owner.earned_alpha)),
        bare(Tao::from_rao(owner.value_rao))
    );
    customer(&mut text, outcome, report);
    tao(&mut text, &report.tao);
    alpha(&mut text, &report.alpha);
    for broken in report.broken(&outcome.stopped) {
        let _ = writeln!(text, "BROKEN: {broken}");
    }
    text
}

fn line(neuron: &Neuron, stopped: &[String]) -> String {
    let mark = if stopped.contains(&neuron.hotkey) { " (stopped)" } else { "" };
    format!(
        "{:>5}  {:<9} {:>16}  {:>15}  {:>8.2} %  {}{mark}",
        neuron.uid,
        neuron.kind,
        bare(Alpha::from_rao(neuron.earned_alpha)),
        bare(Tao::from_rao(neuron.value_rao)),
        f64::from(neuron.incentive_u16) * 100.0 / f64::from(u16::MAX),
        neuron.hotkey
    )
}

fn customer(text: &mut String, outcome: &Outcome, report: &Report) {
    let customer = report.customer;
    let _ = write!(
        text,
        "The customer paid {} for {} lines and has {} answers",
        Tao::from_rao(customer.paid_rao),
        customer.lines,
        customer.labelled
    );
    match outcome.answers.accuracy() {
        Some(accuracy) => {
            let _ = writeln!(text, ", {:.1} % of them right.", accuracy * 100.0);
        }
        None => text.push_str(".\n"),
    }
}

fn tao(text: &mut String, ledger: &TaoLedger) {
    let tao = |rao| Tao::from_rao(rao).to_string();
    let verdict = if ledger.closes() { "closes" } else { "DOES NOT CLOSE" };
    let _ = writeln!(
        text,
        "TAO {verdict}: accounts {} + burned {} = issuance {}; genesis {} + minted {} - recycled {}.",
        tao(ledger.accounts),
        tao(ledger.burned),
        tao(ledger.issuance),
        tao(ledger.genesis),
        tao(ledger.minted),
        tao(ledger.recycled)
    );
}

fn alpha(text: &mut String, ledger: &AlphaLedger) {
    let alpha = |units| Alpha::from_rao(units).to_string();
    let verdict = if ledger.closes() { "closes" } else { "DOES NOT CLOSE" };
    let _ = writeln!(
        text,
        "Alpha {verdict}: held {} + pending {} + protocol {} + leaked {} = outstanding {}.",
        alpha(ledger.held),
        alpha(ledger.pending),
        alpha(ledger.protocol),
        alpha(ledger.leaked),
        alpha(ledger.out)
    );
}

/// An amount without its symbol.
fn bare(amount: impl std::fmt::Display) -> String {
    let text = amount.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}
