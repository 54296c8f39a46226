#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// tuf-js behind the command line that every peer of the interoperability tests has (tests/peers/README.md).
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { parseArgs } = require('util');
const { Key, Metadata, MetaFile, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } = require('@tufjs/models');
const { Delegations } = require('@tufjs/models/dist/delegations');
const { DelegatedRole, Role } = require('@tufjs/models/dist/role');
const { Updater } = require('tuf-js');

const TOP = ['root', 'timestamp', 'snapshot', 'targets'];
const EXPIRES = new Date(Date.now() + 30 * 24 * 3600 * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

// ---- client

const withoutSlash = (url) => url && url.replace(/\/$/, '');

async function update(options, command) {
  const updater = new Updater({
    metadataDir: options['metadata-dir'], metadataBaseUrl: withoutSlash(options['metadata-url']),
    targetDir: options['target-dir'], targetBaseUrl: withoutSlash(options['target-base-url']),
  });
  await updater.refresh();
  if (command !== 'download') return;
  fs.mkdirSync(options['target-dir'], { recursive: true });
  for (const name of options['target-name']) {
    const info = await updater.getTargetInfo(name);
    if (!info) throw new Error(`${name} is not in the repository`);
    if (!(await updater.findCachedTarget(info))) await updater.downloadTarget(info);
  }
}

// Microseconds of the best and the median update; each starts with the root alone, or, with --kept, with what is there.
async function measure(options, command) {
  const root = fs.readFileSync(path.join(options['metadata-dir'], 'root.json'));
  const taken = [];
  for (let i = 0; i < Number(options.times); i++) {
    if (!options.kept) {
      for (const stale of [options['metadata-dir'], options['target-dir']])
        if (stale) fs.rmSync(stale, { recursive: true, force: true });
      fs.mkdirSync(options['metadata-dir']);
      fs.writeFileSync(path.join(options['metadata-dir'], 'root.json'), root);
    }
    const start = process.hrtime.bigint();
    await update(options, command);
    taken.push(Number((process.hrtime.bigint() - start) / 1000n));
  }
  taken.sort((a, b) => a - b);
  console.log(taken[0], taken[taken.length >> 1]);
}

// ---- repository

function newSigner(kind) {
  const { publicKey, privateKey } = kind === 'rsa' ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
    : kind === 'ed25519' ? crypto.generateKeyPairSync('ed25519')
      : crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const shown = kind === 'ed25519' ? Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url').toString('hex')
    : publicKey.export({ type: 'spki', format: 'pem' });
  const scheme = { rsa: 'rsassa-pss-sha256', ed25519: 'ed25519' }[kind] || 'ecdsa-sha2-nistp256';
  // The canonical form of a key, members sorted.
  const text = '{"keytype":"' + kind + '","keyval":{"public":"' + shown + '"},"scheme":"' + scheme + '"}';
  const key = new Key({ keyID: sha256(text), keyType: kind, scheme, keyVal: { public: shown } });
  const how = kind === 'rsa' ? { key: privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    : privateKey;
  const sign = (data) => new Signature({
    keyID: key.keyID, sig: crypto.sign(kind === 'ed25519' ? null : 'sha256', data, how).toString('hex') });
  return { key, sign };
}

class Repository {
  constructor(plan) {
    const fields = { version: 1, specVersion: '1.0.31', expires: EXPIRES, unrecognizedFields: plan.unknown };
    Object.assign(this, { plan, fields, files: {}, signers: {}, content: {}, rootVersion: 1 });
    for (const name of Object.keys(plan.roles)) this.newKeys(name);
  }

  newKeys(name) {
    this.signers[name] = this.plan.roles[name].keys.map(newSigner);
  }

  signersOf(names) {
    const keys = {};
    for (const name of names) for (const { key } of this.signers[name]) keys[key.keyID] = key;
    return keys;
  }

  delegations(by) {
    const mine = this.plan.delegations.filter((role) => role.by === by);
    if (mine.length === 0) return undefined;
    const roles = {};
    for (const role of mine) {
      roles[role.name] = new DelegatedRole({
        name: role.name, keyIDs: this.signers[role.name].map(({ key }) => key.keyID),
        threshold: this.plan.roles[role.name].threshold, terminating: role.terminating, paths: role.paths,
        pathHashPrefixes: role.path_hash_prefixes });
    }
    return new Delegations({ keys: this.signersOf(mine.map((role) => role.name)), roles });
  }

  sign(name, signed, also = []) {
    const metadata = new Metadata(signed);
    for (const { sign } of [...this.signers[name], ...also]) metadata.sign(sign, true);
    const data = Buffer.from(JSON.stringify(metadata.toJSON(), null, this.plan.indented ? 1 : undefined));
    const numbered = name === 'root' || (this.plan.consistent && name !== 'timestamp');
    this.files[`metadata/${numbered ? `${signed.version}.` : ''}${name}.json`] = data;
    return new MetaFile({ version: signed.version, length: data.length, hashes: { sha256: sha256(data) } });
  }

  signRoot(also) {
    const roles = {};
    for (const name of TOP)
      roles[name] = new Role({
        keyIDs: this.signers[name].map(({ key }) => key.keyID), threshold: this.plan.roles[name].threshold });
    this.sign('root', new Root({
      ...this.fields, version: this.rootVersion, consistentSnapshot: this.plan.consistent, keys: this.signersOf(TOP),
      roles }), also);
  }

  publish(stage) {
    const meta = {};
    for (const name of Object.keys(this.plan.roles)) {
      if (TOP.includes(name) && name !== 'targets') continue;
      const targets = {};
      for (const [file, text] of Object.entries(this.plan.targets[name] || {})) {
        const data = Buffer.from(`${text} ${stage}`);
        targets[file] = new TargetFile({ path: file, length: data.length, hashes: { sha256: sha256(data) } });
        const base = (this.plan.consistent ? `${sha256(data)}.` : '') + path.posix.basename(file);
        this.files[path.posix.join('targets', path.posix.dirname(file), base)] = data;
      }
      meta[`${name}.json`] = this.sign(name, new Targets({
        ...this.fields, version: stage, targets, delegations: this.delegations(name) }));
    }
    const snapshotMeta = this.sign('snapshot', new Snapshot({ ...this.fields, version: stage, meta }));
    this.sign('timestamp', new Timestamp({ ...this.fields, version: stage, snapshotMeta }));
  }

  rotate(name) {
    const leaving = name === 'root' ? this.signers[name] : [];
    this.newKeys(name);
    if (!TOP.includes(name)) return;
    this.rootVersion++;
    this.signRoot(leaving);
  }

  write(directory) {
    for (const [name, data] of Object.entries(this.files)) {
      fs.mkdirSync(path.join(directory, path.dirname(name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), data);
    }
  }
}

// One directory a stage: as it was first, and after all rotations.
function make(plan, directory) {
  const repository = new Repository(JSON.parse(fs.readFileSync(plan)));
  repository.signRoot();
  repository.publish(1);
  repository.write(path.join(directory, '1'));
  repository.plan.rotate.forEach((name) => repository.rotate(name));
  repository.publish(2);
  repository.write(path.join(directory, '2'));
}

async function main() {
  const text = { type: 'string' };
  const { values: options, positionals: [command, ...rest] } = parseArgs({
    allowPositionals: true, options: {
      'metadata-dir': text, 'metadata-url': text, 'target-dir': text, 'target-base-url': text, times: text,
      'target-name': { type: 'string', multiple: true, default: [] }, kept: { type: 'boolean' } } });
  if (command === 'make') {
    make(...rest);
  } else {
    await (options.times ? measure : update)(options, command);
  }
}

main().catch((error) => {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
});
