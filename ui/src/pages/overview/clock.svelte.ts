// The time, looked at every half minute: what is over and what comes next.
export const clock = $state({ now: Date.now() });
setInterval(() => (clock.now = Date.now()), 30_000);
