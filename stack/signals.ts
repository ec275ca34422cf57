// How a long command learns that it should stop.

/**
 * Calls back once when the user wants the command to stop: Ctrl-C, SIGTERM, a closed terminal, or a launcher that was
 * killed. A second Ctrl-C, more than a second later, ends the process at once (its children still stop: see reaper.ts).
 * Answers a function that removes the handlers.
 */
export function onStopSignal(callback: (reason: string) => void): () => void {
  let first = 0;
  const ask = (reason: string) => {
    if (first === 0) {
      first = Date.now();
      callback(reason);
      return;
    }
    // npm and the terminal both pass Ctrl-C on, so that one press arrives several times.
    if (reason === 'SIGINT' && Date.now() - first > 1000) process.exit(130);
  };
  const onDisconnect = () => ask('disconnect');
  process.on('SIGINT', ask);
  process.on('SIGTERM', ask);
  process.on('SIGHUP', ask);
  // The launcher in bin/ holds the other end of this channel.
  if (process.channel) {
    process.on('disconnect', onDisconnect);
    process.channel.unref();
  }
  return () => {
    process.off('SIGINT', ask);
    process.off('SIGTERM', ask);
    process.off('SIGHUP', ask);
    process.off('disconnect', onDisconnect);
  };
}
