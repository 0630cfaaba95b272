//! Where miners serve: axons, certificates and prometheus endpoints (chain rules 7.8).

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::storage::record::{AxonInfo, NeuronCertificate, PrometheusInfo};

/// Longest public key of a certificate.
const MAX_PUBLIC_KEY: usize = 64;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE serve_axon(netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8, placeholder1: u8, placeholder2: u8) => serve_axon if check_axon;
        FREE serve_axon_tls(netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8, protocol: u8, placeholder1: u8, placeholder2: u8, certificate: Vec<u8>) => serve_axon_tls if check_axon_tls;
        FREE serve_prometheus(netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8) => serve_prometheus if check_prometheus;
    );
}

impl Runtime {
    fn serve_axon(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        version: u32,
        ip: u128,
        port: u16,
        ip_type: u8,
        protocol: u8,
        placeholder1: u8,
        placeholder2: u8,
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        let block = cx.block;
        let axon =
            AxonInfo { block, version, ip, port, ip_type, protocol, placeholder1, placeholder2 };
        self.validate_axon(cx, &hotkey, netuid, &axon)?;
        self.items.axons.set(cx.state, (netuid, hotkey), &axon);
        cx.emit(self.events.axon_served, (netuid, hotkey));
        DONE
    }

    fn serve_axon_tls(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        version: u32,
        ip: u128,
        port: u16,
        ip_type: u8,
        protocol: u8,
        placeholder1: u8,
        placeholder2: u8,
        certificate: Vec<u8>,
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        self.serve_axon(
            cx,
            origin,
            netuid,
            version,
            ip,
            port,
            ip_type,
            protocol,
            placeholder1,
            placeholder2,
        )?;
        // An invalid certificate is no reason to refuse the axon.
        if let Some((&algorithm, key)) = certificate.split_first()
            && key.len() <= MAX_PUBLIC_KEY
        {
            let certificate = NeuronCertificate { public_key: key.to_vec(), algorithm };
            self.items.certificates.set(cx.state, (netuid, hotkey), &certificate);
        }
        DONE
    }

    fn serve_prometheus(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        version: u32,
        ip: u128,
        port: u16,
        ip_type: u8,
    ) -> DispatchResult {
        let hotkey = origin.signed()?;
        let prometheus = PrometheusInfo { block: cx.block, version, ip, port, ip_type };
        self.validate_prometheus(cx, &hotkey, netuid, &prometheus)?;
        self.items.prometheus.set(cx.state, (netuid, hotkey), &prometheus);
        cx.emit(self.events.prometheus_served, (netuid, hotkey));
        DONE
    }

    fn check_axon(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _version: &u32,
        ip: &u128,
        port: &u16,
        ip_type: &u8,
        _protocol: &u8,
        _placeholder1: &u8,
        _placeholder2: &u8,
    ) -> Result<(), DispatchError> {
        let axon = AxonInfo { ip: *ip, port: *port, ip_type: *ip_type, ..AxonInfo::default() };
        self.validate_axon(cx, who, *netuid, &axon)
    }

    fn check_axon_tls(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _version: &u32,
        ip: &u128,
        port: &u16,
        ip_type: &u8,
        _protocol: &u8,
        _placeholder1: &u8,
        _placeholder2: &u8,
        _certificate: &Vec<u8>,
    ) -> Result<(), DispatchError> {
        let axon = AxonInfo { ip: *ip, port: *port, ip_type: *ip_type, ..AxonInfo::default() };
        self.validate_axon(cx, who, *netuid, &axon)
    }

    fn check_prometheus(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        netuid: &u16,
        _version: &u32,
        ip: &u128,
        port: &u16,
        ip_type: &u8,
    ) -> Result<(), DispatchError> {
        let prometheus =
            PrometheusInfo { ip: *ip, port: *port, ip_type: *ip_type, ..PrometheusInfo::default() };
        self.validate_prometheus(cx, who, *netuid, &prometheus)
    }

    fn validate_axon(
        &self,
        cx: &Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        axon: &AxonInfo,
    ) -> Result<(), DispatchError> {
        self.ensure_registered_here(cx, hotkey, netuid)?;
        ensure_address(axon.ip_type, axon.ip, true)?;
        let last = self.items.axons.get(cx.state, (netuid, *hotkey)).block;
        self.ensure_serving_rate(cx, netuid, last)?;
        ensure_port(axon.port)
    }

    fn validate_prometheus(
        &self,
        cx: &Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        prometheus: &PrometheusInfo,
    ) -> Result<(), DispatchError> {
        ensure_address(prometheus.ip_type, prometheus.ip, false)?;
        self.ensure_registered_here(cx, hotkey, netuid)?;
        let last = self.items.prometheus.get(cx.state, (netuid, *hotkey)).block;
        self.ensure_serving_rate(cx, netuid, last)?;
        ensure_port(prometheus.port)
    }

    fn ensure_registered_here(
        &self,
        cx: &Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
    ) -> Result<(), DispatchError> {
        if self.items.is_network_member.get(cx.state, (*hotkey, netuid)) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::HotKeyNotRegisteredInNetwork)
        }
    }

    fn ensure_serving_rate(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
        last: u64,
    ) -> Result<(), DispatchError> {
        let limit = self.items.serving_rate_limit.get(cx.state, netuid);
        if limit == 0 || last == 0 || cx.block.saturating_sub(last) >= limit {
            Ok(())
        } else {
            Err(errors::SubtensorModule::ServingRateLimitExceeded)
        }
    }
}

fn ensure_address(ip_type: u8, ip: u128, zero_allowed: bool) -> Result<(), DispatchError> {
    let (broadcast, loopback) = match ip_type {
        4 => (u128::from(u32::MAX), 0x7f00_0001),
        6 => (u128::MAX, 1),
        _ => return Err(errors::SubtensorModule::InvalidIpType),
    };
    if ip >= broadcast || ip == loopback || (ip == 0 && !zero_allowed) {
        return Err(errors::SubtensorModule::InvalidIpAddress);
    }
    Ok(())
}

fn ensure_port(port: u16) -> Result<(), DispatchError> {
    if port == 0 { Err(errors::SubtensorModule::InvalidPort) } else { Ok(()) }
}
