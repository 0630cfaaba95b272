//! Runtime APIs that the node itself answers: version, metadata, nonce, fees, validity. The rest are
//! the runtime's.

use std::sync::Arc;

use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::{TypeDef, TypeDefPrimitive};

use super::{
    extrinsic::{Era, Extrinsic},
    fee::CallWeight,
    node::{BLOCK_HASH_COUNT, Node, opaque},
    pool::PoolError,
    rpc::error::RpcError,
    runtime::{DecodedCall, InvalidTransaction, Origin},
};

/// Metadata versions that can be served, as `Metadata_metadata_versions` lists them.
const METADATA_VERSIONS: [u32; 2] = [14, 15];

impl Node {
    /// Calls a runtime API in the state after block `at`.
    pub(crate) fn call_api(
        &mut self,
        name: &str,
        args: &[u8],
        at: u32,
    ) -> Result<Vec<u8>, RpcError> {
        let (interface, metadata) = self.runtime_at(at);
        let (interface, metadata) = (Arc::clone(interface), Arc::clone(metadata));
        let Some(method) = interface.api(name) else {
            return Err(RpcError::no_such_function(name));
        };
        let output = method.output;
        let mut check = args;
        for input in &method.inputs {
            if interface.skip(input.ty, &mut check).is_err() {
                return Err(RpcError::execution("Bad input data provided to runtime API"));
            }
        }
        let mut input = args;
        match name {
            "Core_version" => Ok(interface.version().encode()),
            "Metadata_metadata" => Ok(opaque(metadata.v14())),
            "Metadata_metadata_at_version" => {
                let version = decode::<u32>(&mut input)?;
                Ok(metadata.at_version(version))
            }
            "Metadata_metadata_versions" => Ok(METADATA_VERSIONS.to_vec().encode()),
            "AccountNonceApi_account_nonce" => {
                let who = decode::<[u8; 32]>(&mut input)?;
                let nonce =
                    self.simulate_at(at, |cx, runtime| runtime.account_nonce(cx.state, &who));
                Ok(nonce.encode())
            }
            "TransactionPaymentApi_query_info" => {
                let (extrinsic, length, tip) = self.priced(&mut input)?;
                let weight = self.weight(&extrinsic);
                let fee = if self.config.fees { weight.fee(length, tip) } else { 0 };
                Ok(weight.dispatch_info(fee))
            }
            "TransactionPaymentApi_query_fee_details" => {
                let (extrinsic, length, tip) = self.priced(&mut input)?;
                Ok(self.fee_details(self.weight(&extrinsic), length, tip))
            }
            "TransactionPaymentCallApi_query_call_info" => {
                let (weight, length) = self.priced_call(&mut input)?;
                let fee = if self.config.fees { weight.fee(length, 0) } else { 0 };
                Ok(weight.dispatch_info(fee))
            }
            "TransactionPaymentCallApi_query_call_fee_details" => {
                let (weight, length) = self.priced_call(&mut input)?;
                Ok(self.fee_details(weight, length, 0))
            }
            "TransactionPaymentApi_query_weight_to_fee" => {
                let (ref_time, _) = decode::<(Compact<u64>, Compact<u64>)>(&mut input)?;
                Ok(super::fee::weight_to_fee(ref_time.0).encode())
            }
            "TransactionPaymentApi_query_length_to_fee" => {
                Ok(u64::from(decode::<u32>(&mut input)?).encode())
            }
            "TaggedTransactionQueue_validate_transaction" => {
                let _source = decode::<u8>(&mut input)?;
                Ok(self.validity(&mut input, at))
            }
            "AuraApi_authorities" => {
                let author = self.config.author.map(|author| author.to_bytes());
                Ok(author.into_iter().collect::<Vec<_>>().encode())
            }
            "AuraApi_slot_duration" => Ok(self.config.block_ms().encode()),
            _ => self.runtime_api(name, args, output, at),
        }
    }

    fn runtime_api(
        &mut self,
        name: &str,
        args: &[u8],
        output: u32,
        at: u32,
    ) -> Result<Vec<u8>, RpcError> {
        let answer = self.simulate_at(at, |cx, runtime| runtime.call_api(cx, name, args));
        match answer {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) => Err(RpcError::execution(&error.to_string())),
            // Nothing of what this API reports is modelled: there is none of it.
            None => {
                let zero = || name.starts_with("BetaBasketRuntimeApi_").then(|| self.zero(output));
                let answer = self.nothing(output).or_else(|| zero().flatten());
                answer.ok_or_else(|| RpcError::no_such_function(name))
            }
        }
    }

    /// The encoding of "none" or "an empty list", where the type has one.
    fn nothing(&self, output: u32) -> Option<Vec<u8>> {
        match &self.interface.types().resolve(output)?.type_def {
            TypeDef::Sequence(_) => Some(vec![0]),
            TypeDef::Variant(def) => {
                let none = def.variants.iter().any(|v| v.index == 0 && v.name == "None");
                none.then(|| vec![0])
            }
            TypeDef::Composite(composite) => match composite.fields.as_slice() {
                [field] => self.nothing(field.ty.id),
                _ => None,
            },
            _ => None,
        }
    }

    /// The encoding of zero, part by part: what is true of something that nobody has any of.
    fn zero(&self, ty: u32) -> Option<Vec<u8>> {
        let parts = |ids: &mut dyn Iterator<Item = u32>| {
            ids.map(|id| self.zero(id)).collect::<Option<Vec<_>>>().map(|parts| parts.concat())
        };
        let width = match &self.interface.types().resolve(ty)?.type_def {
            TypeDef::Sequence(_) | TypeDef::Compact(_) => 1,
            TypeDef::Variant(_) => return self.nothing(ty),
            TypeDef::Composite(composite) => {
                return parts(&mut composite.fields.iter().map(|field| field.ty.id));
            }
            TypeDef::Tuple(tuple) => return parts(&mut tuple.fields.iter().map(|field| field.id)),
            TypeDef::Array(array) => {
                let count = usize::try_from(array.len).ok()?;
                return self.zero(array.type_param.id).map(|part| part.repeat(count));
            }
            TypeDef::Primitive(primitive) => match primitive {
                TypeDefPrimitive::Bool | TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => 1,
                TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 2,
                TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => 4,
                TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 8,
                TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 16,
                _ => return None,
            },
            TypeDef::BitSequence(_) => return None,
        };
        Some(vec![0; width])
    }

    /// An extrinsic whose fee is asked for, with the length to charge and its tip. The signature is
    /// not looked at: clients ask before they sign.
    fn priced(&self, input: &mut &[u8]) -> Result<(Extrinsic, usize, u64), RpcError> {
        let invalid = || RpcError::execution("Bad input data provided to runtime API");
        let mut rest = *input;
        let length = decode::<Compact<u32>>(&mut rest)?;
        let prefix = input.len().saturating_sub(rest.len());
        let end = usize::try_from(length.0).ok().and_then(|l| l.checked_add(prefix));
        let (bytes, mut rest) = end.and_then(|e| input.split_at_checked(e)).ok_or_else(invalid)?;
        let extrinsic = Extrinsic::decode(bytes, &self.interface).map_err(|_| invalid())?;
        let length = usize::try_from(decode::<u32>(&mut rest)?).map_err(|_| invalid())?;
        let tip = extrinsic.signed.as_ref().map_or(0, |s| s.tip);
        Ok((extrinsic, length, tip))
    }

    /// A bare call whose fee is asked for, and the length to charge.
    fn priced_call(&self, input: &mut &[u8]) -> Result<(CallWeight, usize), RpcError> {
        let start = *input;
        let invalid = || RpcError::execution("Bad input data provided to runtime API");
        self.interface.skip(self.interface.call_type(), input).map_err(|_| invalid())?;
        let call = start.get(..start.len().saturating_sub(input.len())).unwrap_or_default();
        let mut weight = self.weights.of_call(call, &self.interface);
        if let Some(call) = DecodedCall::parse(call) {
            weight.pays &= self.runtime.pays(&call);
        }
        let length = usize::try_from(decode::<u32>(input)?).map_err(|_| invalid())?;
        Ok((weight, length))
    }

    /// `FeeDetails`: base, length and weight fee, and the tip.
    fn fee_details(&self, weight: CallWeight, length: usize, tip: u64) -> Vec<u8> {
        let parts = self.config.fees.then(|| weight.inclusion_parts(length)).flatten();
        (parts, tip).encode()
    }

    /// `Result<ValidTransaction, TransactionValidityError>` of an extrinsic.
    fn validity(&mut self, input: &mut &[u8], at: u32) -> Vec<u8> {
        // The block hash is the last 32 bytes; what precedes it is the extrinsic.
        let length = input.len().saturating_sub(32);
        let bytes = input.get(..length).unwrap_or_default();
        let Ok(extrinsic) = Extrinsic::decode(bytes, &self.interface) else {
            return invalid(InvalidTransaction::Call);
        };
        // Without a signature nobody vouches for it: `UnknownTransaction::NoUnsignedValidator`.
        let Some(signed) = extrinsic.signed.clone() else { return vec![1, 1, 1] };
        let nonce = match self.validate(&extrinsic, &signed, at) {
            Ok(nonce) => nonce,
            Err(PoolError::Invalid(error)) => return invalid(error),
            Err(_) => return vec![1, 1, 0],
        };
        let tag = |nonce: u32| (signed.who.to_bytes(), nonce).encode();
        let requires = match signed.nonce.checked_sub(1) {
            Some(previous) if signed.nonce > nonce => vec![tag(previous)],
            _ => Vec::new(),
        };
        let birth = signed.era.death(u64::from(at).saturating_add(1));
        let longevity = birth.saturating_sub(u64::from(at)).min(match signed.era {
            Era::Immortal => u64::MAX,
            _ => u64::from(BLOCK_HASH_COUNT),
        });
        let mut out = vec![0];
        (0u64, requires, vec![tag(signed.nonce)], longevity, true).encode_to(&mut out);
        out
    }
}

impl Node {
    /// `ApplyExtrinsicResult` of an extrinsic in the block after `at`, without keeping anything.
    pub(crate) fn dry_run(&mut self, bytes: &[u8], at: u32) -> Vec<u8> {
        let Ok(extrinsic) = Extrinsic::decode(bytes, &self.interface) else {
            return invalid(InvalidTransaction::Call);
        };
        let Some(signed) = extrinsic.signed.clone() else { return vec![1, 1, 1] };
        match self.validate(&extrinsic, &signed, at) {
            Ok(nonce) if signed.nonce > nonce => return invalid(InvalidTransaction::Future),
            Ok(_) => {}
            Err(PoolError::Invalid(error)) => return invalid(error),
            Err(_) => return vec![1, 1, 0],
        }
        let Some(call) = DecodedCall::parse(extrinsic.call()) else {
            return invalid(InvalidTransaction::Call);
        };
        let who = signed.who.to_bytes();
        let fee = self.fee(&extrinsic, signed.tip);
        let outcome = self.simulate_at(at, |cx, runtime| {
            runtime.withdraw_fee(cx, &who, fee)?;
            runtime.bump_nonce(cx, &who);
            Ok::<_, InvalidTransaction>(runtime.dispatch(cx, Origin::Signed(who), &call))
        });
        match outcome {
            Err(error) => invalid(error),
            Ok(Ok(_)) => vec![0, 0],
            Ok(Err(error)) => {
                let mut out = vec![0, 1];
                out.extend(error.encode_with(&self.interface));
                out
            }
        }
    }
}

/// `Err(TransactionValidityError::Invalid(..))`.
fn invalid(error: InvalidTransaction) -> Vec<u8> {
    let mut out = vec![1, 0];
    out.extend(match error {
        InvalidTransaction::Call => vec![0],
        InvalidTransaction::Payment => vec![1],
        InvalidTransaction::Future => vec![2],
        InvalidTransaction::Stale => vec![3],
        InvalidTransaction::BadProof => vec![4],
        InvalidTransaction::AncientBirthBlock => vec![5],
        InvalidTransaction::Custom(code) => vec![7, code],
        InvalidTransaction::BadSigner => vec![10],
    });
    out
}

fn decode<T: Decode>(input: &mut &[u8]) -> Result<T, RpcError> {
    T::decode(input).map_err(|_| RpcError::execution("Bad input data provided to runtime API"))
}
