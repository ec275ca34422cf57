// The health check of a worker's container: exit code 0 while all its workers run.
const port = process.env.RATCHET_HEALTH_PORT;
try {
  const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4000) });
  console.log(await response.text());
  process.exit(response.ok ? 0 : 1);
} catch (error) {
  console.log(`no answer on port ${port}: ${error.message}`);
  process.exit(1);
}
