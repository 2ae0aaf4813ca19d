// What the programs of the peers share: their command line, and the samples of latency.
//
//   node PEER.mjs setup                 makes the schema in DATABASE_URL
//   node PEER.mjs enqueue N             enqueues N empty jobs, the fastest documented way; prints the seconds it took
//   node PEER.mjs work best|default     works until it is killed
//   node PEER.mjs latency N EVERY_MS    works, enqueues N single jobs, prints a JSON array: ms from before the enqueue to the handler

export const databaseUrl = process.env.DATABASE_URL;

/** Calls the command that the command line names. */
export async function run(commands) {
    const [name, ...args] = process.argv.slice(2);
    if (!databaseUrl || !commands[name]) throw new Error(`no such command, or no DATABASE_URL: ${name}`);
    await commands[name](...args);
    if (name !== 'work') process.exit(0);
}

/** Prints the seconds that `work` takes. */
export async function timed(work) {
    const began = process.hrtime.bigint();
    await work();
    console.log(Number(process.hrtime.bigint() - began) / 1e9);
}

let onStart = () => {};

/** Every handler calls this first. */
export const handlerStarted = () => onStart();

/** Takes `count` samples, one job at a time on a queue that is idle otherwise, and prints them. */
export async function latencies(count, everyMs, enqueue) {
    const samples = [];
    for (let n = 0; n < count; n++) {
        const began = process.hrtime.bigint();
        const started = new Promise((resolve) => (onStart = () => resolve(process.hrtime.bigint())));
        await enqueue();
        samples.push(Number((await started) - began) / 1e6);
        const passed = Number(process.hrtime.bigint() - began) / 1e6;
        await sleep(Math.max(0, everyMs - passed));
    }
    console.log(JSON.stringify(samples));
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
