// pg-boss.

import { PgBoss } from 'pg-boss';
import { databaseUrl as connectionString, handlerStarted, latencies, run, sleep, timed } from './common.mjs';

const CHUNK = 10_000; // jobs in one statement
const queue = 'noop';
const handler = async () => handlerStarted();

// Large batches, fetched one after another without a pause; four of them at a time.
const best = { batchSize: 1000, burstWhenBatchFull: true, localConcurrency: 4, pollingIntervalSeconds: 0.5 };

async function start(options = {}) {
    const boss = new PgBoss({ connectionString, schedule: false, useListenNotify: true, max: 20, ...options });
    boss.on('error', console.error);
    await boss.start();
    return boss;
}

await run({
    setup: async () => {
        const boss = await start();
        await boss.createQueue(queue, { notify: true });
    },
    enqueue: async (count) => {
        const boss = await start({ supervise: false });
        await timed(async () => {
            for (let from = 0; from < count; from += CHUNK) {
                const length = Math.min(CHUNK, count - from);
                await boss.insert(queue, Array.from({ length }, () => ({ data: {} })));
            }
        });
    },
    work: async (settings) => (await start()).work(queue, settings === 'best' ? best : {}, handler),
    latency: async (count, everyMs) => {
        const boss = await start();
        await boss.work(queue, { pollingIntervalSeconds: 0.5, localConcurrency: 2 }, handler);
        await sleep(1000);
        await latencies(Number(count), Number(everyMs), () => boss.send(queue, {}));
    },
});
