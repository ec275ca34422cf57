// The proxy before the Temporal UI as a process of its own, for containers: TEMPORAL_UI_TARGET is the UI's host:port, PORT is ours.
import { startUiProxy } from './ui-proxy.ts';

const target = new URL(`http://${process.env.TEMPORAL_UI_TARGET ?? 'temporal-ui:8080'}`);
const port = Number(process.env.PORT ?? 8233);
const close = await startUiProxy(port, { host: target.hostname, port: Number(target.port || 80) }, '0.0.0.0');
console.log(`the Temporal UI is at port ${port}, under loopback names`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
