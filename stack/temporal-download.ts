// Lets the Temporal SDK download the CLI into the folder given as the first argument. The SDK can only do so by starting
// a test server; that is stopped at once.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: process.argv[2] } },
});
await environment.teardown();
process.exit(0);
