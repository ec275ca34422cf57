/** Milliseconds of processor time since a moment: unlike those of a clock, the same on a busy machine. */
export function processorTime(): () => number {
  const began = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  };
}
