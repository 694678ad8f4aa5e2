// The time, looked at every half minute: what is over and what comes next.
export const clock = $state({ now: Date.now() });
setInterval(() => (clock.now = Date.now()), 30_000);

/** Names of appointment types by id, as the view of today brings them: asked for once for the whole page. */
export const types = $state<{ names: Map<string, string> }>({ names: new Map() });
