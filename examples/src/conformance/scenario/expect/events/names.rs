//! What the fields of the subtensor pallet's events are called in the rules: the metadata has them by place.

/// Events and their fields in order; several names of one field stand behind `|`.
const FIELDS: [(&str, &[&str]); 34] = [
    ("NetworkAdded", &["netuid", "mechid|mechanism|modality"]),
    ("NetworkRemoved", &["netuid"]),
    (
        "StakeAdded",
        &[
            "coldkey",
            "hotkey",
            "tao|tao_sent|tao_amount|amount",
            "alpha|alpha_out|alpha_amount",
            "netuid",
            "fee",
        ],
    ),
    (
        "StakeRemoved",
        &[
            "coldkey",
            "hotkey",
            "tao|tao_out|tao_amount|amount",
            "alpha|alpha_in|alpha_amount",
            "netuid",
            "fee|fee_alpha",
        ],
    ),
    (
        "StakeMoved",
        &[
            "coldkey",
            "origin_hotkey",
            "origin_netuid",
            "destination_hotkey",
            "destination_netuid",
            "tao|tao_amount|amount",
        ],
    ),
    (
        "StakeTransferred",
        &[
            "origin_coldkey|coldkey",
            "destination_coldkey",
            "hotkey",
            "origin_netuid",
            "destination_netuid",
            "tao|tao_amount|amount",
        ],
    ),
    (
        "StakeSwapped",
        &["coldkey", "hotkey", "origin_netuid", "destination_netuid", "tao|tao_amount|amount"],
    ),
    ("WeightsSet", &["netuid_index|netuid|index", "uid"]),
    ("NeuronRegistered", &["netuid", "uid", "hotkey"]),
    ("AxonServed", &["netuid", "hotkey"]),
    ("PrometheusServed", &["netuid", "hotkey"]),
    ("DelegateAdded", &["coldkey", "hotkey", "take"]),
    ("TakeIncreased", &["coldkey", "hotkey", "take"]),
    ("TakeDecreased", &["coldkey", "hotkey", "take"]),
    ("SetChildrenScheduled", &["hotkey", "netuid", "cooldown_block|cooldown|block", "children"]),
    ("SetChildren", &["hotkey", "netuid", "children"]),
    ("ChildKeyTakeSet", &["hotkey", "take"]),
    ("WeightsCommitted", &["hotkey", "netuid_index|netuid|index", "hash|commit_hash"]),
    ("WeightsRevealed", &["hotkey", "netuid_index|netuid|index", "hash|commit_hash"]),
    ("WeightsBatchRevealed", &["hotkey", "netuid", "hashes"]),
    (
        "TimelockedWeightsCommitted",
        &["hotkey", "netuid_index|netuid|index", "hash|commit_hash", "reveal_round|round"],
    ),
    ("TimelockedWeightsRevealed", &["netuid_index|netuid|index", "hotkey"]),
    ("BatchWeightsCompleted", &["netuids", "hotkey"]),
    ("BatchWeightItemFailed", &["netuid", "error"]),
    ("AlphaRecycled", &["coldkey", "hotkey", "amount|alpha", "netuid"]),
    ("AlphaBurned", &["coldkey", "hotkey", "amount|alpha", "netuid"]),
    ("FirstEmissionBlockNumberSet", &["netuid", "block|block_number"]),
    ("SubnetOwnerHotkeySet", &["netuid", "hotkey"]),
    ("SubnetIdentitySet", &["netuid"]),
    ("TempoSet", &["netuid", "tempo"]),
    ("BurnSet", &["netuid", "burn"]),
    ("NetworkRateLimitSet", &["limit|rate_limit"]),
    ("RegistrationAllowed", &["netuid", "allowed|registration_allowed"]),
    ("MaxAllowedUidsSet", &["netuid", "max_allowed_uids|max"]),
];

/// The place of a field by its name in the rules, as the metadata names it: its number.
pub(super) fn place(event: &str, field: &str) -> Option<String> {
    let (_, fields) = FIELDS.iter().find(|(name, _)| *name == event)?;
    let at = fields.iter().position(|names| names.split('|').any(|name| name == field))?;
    Some(at.to_string())
}
