// The official JavaScript client (`@polkadot/api` from npm), unmodified, against a served local chain.
//
// usage: node polkadot.mjs URL FOLDER, where FOLDER holds `node_modules`
//
// Ends with exit code 0 and "ok" if everything held. The chain must be fresh and of the development
// preset, with sudo on //Alice.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, folder] = process.argv.slice(2);
const require = createRequire(`${folder}/node_modules/`);
const { ApiPromise, WsProvider, Keyring } = require("@polkadot/api");

// A failure anywhere ends the process, which the open socket would keep alive.
process.on("uncaughtException", (error) => {
  console.error(error);
  process.exit(1);
});

const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const keys = new Keyring({ type: "sr25519", ss58Format: 42 });
const key = (uri) => keys.addFromUri(uri);
const owner = { cold: key("//Alice"), hot: key("//Alice//js") };
const validator = { cold: key("//Bob"), hot: key("//Bob//js") };
const miner = { cold: key("//Charlie"), hot: key("//Charlie//js") };

/** The name of a dispatch error, by the metadata. */
function named(error) {
  if (!error.isModule) return error.toString();
  const { section, name } = api.registry.findMetaError(error.asModule);
  return `${section}.${name}`;
}

/** Signs, sends, waits until it is final; throws what the chain refuses it for. */
function send(call, who) {
  return new Promise((resolve, reject) => {
    let seen = false;
    call
      .signAndSend(who, ({ status, dispatchError, events }) => {
        seen ||= status.isInBlock;
        if (status.isInvalid || status.isDropped || status.isUsurped) reject(new Error(`${status}`));
        if (!status.isFinalized) return;
        if (!seen) reject(new Error("final, but never in a block"));
        const nested = events.find(({ event }) => api.events.sudo.Sudid.is(event))?.event.data[0];
        const error = dispatchError ?? (nested?.isErr ? nested.asErr : undefined);
        if (error) reject(new Error(named(error)));
        else resolve(events.map(({ event }) => event));
      })
      .catch(reject);
  });
}

async function done(name, call, who) {
  const events = await send(call, who);
  console.log("done", name);
  return events;
}

async function refused(call, who, text) {
  const error = await send(call, who).then(() => assert.fail(`not refused: ${text}`), (e) => e);
  assert.match(error.message, text);
  console.log("refused", error.message);
}

const root = (name, call) => done(name, api.tx.sudo.sudo(call), owner.cold);
const head = async () => (await api.rpc.chain.getHeader()).number.toNumber();

/** Waits for that many blocks by the subscription to heads. */
async function blocks(count) {
  const until = (await head()) + count;
  await new Promise((resolve) => {
    const stop = api.rpc.chain.subscribeNewHeads(async (header) => {
      if (header.number.toNumber() < until) return;
      (await stop)();
      resolve();
    });
  });
}

const { subtensorModule: subtensor, balances, adminUtils: admin, commitments, utility } = api.tx;

// Reading.
assert.equal(api.runtimeVersion.specVersion.toNumber(), 461);
assert.equal(api.consts.balances.existentialDeposit.toNumber(), 500);
assert.equal(api.registry.chainTokens[0], "TAO");
const genesis = await api.rpc.chain.getBlockHash(0);
assert.equal(genesis.toHex(), api.genesisHash.toHex());
const free = async (who, at = api) => (await at.query.system.account(who.cold.address)).data.free.toBigInt();
const past = await api.at(genesis);
assert.equal(await free(owner, past), 1_000_000_000_000_000n);
const nets = await api.query.subtensorModule.networksAdded.entries();
assert.deepEqual(nets.map(([k]) => k.args[0].toNumber()).sort(), [0, 1]);
const [one, two] = await api.query.system.account.multi([owner.cold.address, validator.cold.address]);
assert(one.data.free.gtn(0) && two.data.free.gtn(0));

// A subscription to storage tells of the transfer.
let told = 0n;
const stop = await api.query.system.account(validator.cold.address, ({ data }) => (told = data.free.toBigInt()));
const before = await free(validator);
const transfer = balances.transferKeepAlive(validator.cold.address, 1_000_000_000);
const { partialFee } = await transfer.paymentInfo(owner.cold);
assert(partialFee.toBigInt() > 0n);
const events = await done("transfer", transfer, owner.cold);
assert(events.some((event) => api.events.balances.Transfer.is(event)));
const paid = events.find((event) => api.events.transactionPayment.TransactionFeePaid.is(event));
assert(paid.data[1].toBigInt() > 0n);
assert.equal((await free(validator)) - before, 1_000_000_000n);
await blocks(1);
assert.equal(told - before, 1_000_000_000n);
stop();
await refused(balances.transferKeepAlive(validator.cold.address, 2n ** 62n), owner.cold, /FundsUnavailable/);

// A subnet of our own.
await done("registerNetwork", subtensor.registerNetwork(owner.hot.address), owner.cold);
const netuid = 2;
assert((await api.query.subtensorModule.networksAdded(netuid)).isTrue);
await refused(subtensor.startCall(netuid), miner.cold, /^BadOrigin$/);
await done("startCall", subtensor.startCall(netuid), owner.cold);
await root("no rate limit of weights", admin.sudoSetWeightsSetRateLimit(netuid, 0));

// Registration, in the clear.
for (const who of [validator, miner]) {
  await done("burnedRegister", subtensor.burnedRegister(netuid, who.hot.address), who.cold);
}
assert.equal((await api.query.subtensorModule.uids(netuid, miner.hot.address)).unwrap().toNumber(), 2);
await refused(subtensor.burnedRegister(netuid, miner.hot.address), miner.cold, /^subtensorModule.HotKeyAlreadyRegisteredInSubNet$/);

// Stake, alone and in a batch.
await done("addStake", subtensor.addStake(validator.hot.address, netuid, 100_000_000), validator.cold);
const stakes = async () =>
  (await api.call.stakeInfoRuntimeApi.getStakeInfoForColdkey(validator.cold.address)).map(({ stake }) => stake.toBigInt());
const [staked] = await stakes();
assert(staked > 0n);
const more = subtensor.addStake(validator.hot.address, netuid, 100_000_000);
await done("batchAll", utility.batchAll([more, more]), validator.cold);
assert((await stakes())[0] > staked);
await refused(subtensor.addStake(validator.hot.address, netuid, 1), validator.cold, /^subtensorModule.AmountTooLow$/);

// Serving.
const axon = [netuid, 1, 0x08080808, 8091, 4, 4, 0, 0];
await done("serveAxon", subtensor.serveAxon(...axon), miner.hot);
const served = (await api.query.subtensorModule.axons(netuid, miner.hot.address)).unwrap();
assert.deepEqual([served.ip.toNumber(), served.port.toNumber()], [0x08080808, 8091]);
await refused(subtensor.serveAxon(netuid, 1, 0x7f000001, 8091, 4, 4, 0, 0), validator.hot, /^1010: .*Custom error: 11$/);

// A commitment.
await done("setCommitment", commitments.setCommitment(netuid, { fields: [{ Raw5: "hello" }] }), miner.hot);
const said = (await api.query.commitments.commitmentOf(netuid, miner.hot.address)).unwrap();
assert.equal(said.info.fields[0].asRaw5.toUtf8(), "hello");

// Weights in the open.
await root("no commit-reveal", admin.sudoSetCommitRevealWeightsEnabled(netuid, false));
await blocks(12);
for (const who of [validator, owner]) {
  await done("setWeights", subtensor.setWeights(netuid, [0, 2], [21_845, 65_535], 0), who.hot);
}
const rows = await api.query.subtensorModule.weights.entries(netuid);
assert(rows.some(([, row]) => row.length === 2));

// An epoch pays.
await blocks(25);
const graph = (await api.call.subnetInfoRuntimeApi.getMetagraph(netuid)).unwrap();
assert.equal(graph.numUids.toNumber(), 3);
assert(graph.incentives[2].toNumber() > 0, `${graph.incentives}`);
assert(graph.emission[2].toNumber() > 0, `${graph.emission}`);
assert(graph.validatorPermit[1].isTrue);
console.log("incentives", graph.incentives.map(Number), "emission", graph.emission.map(Number));

// Weights under a timelock: committed and listed. What is sealed in it concerns whoever opens it.
await root("commit-reveal", admin.sudoSetCommitRevealWeightsEnabled(netuid, true));
await refused(subtensor.setWeights(netuid, [0, 2], [1, 1], 0), validator.hot, /CommitRevealEnabled|Custom error: \d+/);
const round = 40_000_000;
await done("commitTimelockedWeights", subtensor.commitTimelockedWeights(netuid, "0x0102030405", round, 4), validator.hot);
const commits = await api.query.subtensorModule.timelockedWeightCommits.entries(netuid);
const [[account, , commit, reveal]] = commits[0][1];
assert.equal(account.toString(), validator.hot.address);
assert.equal(commit.toHex(), "0x0102030405");
assert.equal(reveal.toNumber(), round);

await api.disconnect();
console.log("ok");
