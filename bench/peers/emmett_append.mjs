// Appends to Emmett's PostgreSQL event store, each on the stream version that is expected, from a pool of connections.

import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => (await lines.next()).value;
const say = (words) => process.stdout.write(JSON.stringify(words) + '\n');
const now = () => performance.now() / 1000;

const spec = JSON.parse(await hear());
const pool = new pg.Pool({ connectionString: spec.dsn, max: Math.min(spec.connections, spec.waiting) });
const store = getPostgreSQLEventStore(spec.dsn, { connectionOptions: { pool } });
await store.schema.migrate();

async function append(stream, version, data) {
  const expectedStreamVersion = version === 1 ? 'STREAM_DOES_NOT_EXIST' : BigInt(version - 1);
  await store.appendToStream(`patient-${stream}`, [{ type: spec.topic, data }], { expectedStreamVersion });
}

say({ ready: true });
await hear();

const opens = now() + spec.warm_up;
const closes = opens + spec.seconds;
const latencies = [];
let acknowledged = 0;

async function client(streams) {
  const versions = new Map();
  for (let turn = 0; now() < closes; turn += 1) {
    const stream = streams[turn % streams.length];
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    const sent = now();
    await append(stream, version, { text: spec.text, patient: stream, sequence: version });
    const answered = now();
    acknowledged += 1;
    if (answered >= opens && answered < closes) latencies.push(answered - sent);
  }
}

await Promise.all(spec.streams.map(client));

let refusesStale = false;
try {
  await append(spec.streams[0][0], 1000000, { text: '', patient: '', sequence: 0 });
} catch (refused) {
  refusesStale = refused.constructor.name.includes('ExpectedVersionConflict');
}

latencies.sort((a, b) => a - b);
const quantile = (share) => 1000 * latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
const memory = Number(/Pss:\s+(\d+)/.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]) / 1024;
say({
  acknowledged,
  per_second: latencies.length / (closes - opens),
  p50_ms: quantile(0.5),
  p99_ms: quantile(0.99),
  refuses_stale: refusesStale,
  memory_mb: memory,
});
await store.close();
await pool.end();
process.exit(0);
