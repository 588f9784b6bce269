// The line player: one line at a time, from the connection to the loudspeaker. A new line stops the one before it.

// Event: `state`, when `state` becomes idle, waiting (no sound yet) or speaking.
export class LinePlayer extends EventTarget {
  #connection;
  #player;
  #current = null; // {on, id, stream}

  constructor(connection, player) {
    super();
    this.#connection = connection;
    this.#player = player;
    this.state = "idle";
    connection.addEventListener("audio", ({ detail }) => {
      if (this.#isCurrent(detail.stream)) this.#current.on.samples?.(detail.samples);
    });
    player.addEventListener("heard", ({ detail }) => {
      if (this.#isCurrent(detail.stream)) this.#firstHeard();
    });
    player.addEventListener("ended", ({ detail }) => {
      if (this.#isCurrent(detail.stream)) this.#leave("ended");
    });
  }

  // Says a line. `on` has functions for what happens to it: started (the server's message), samples, words, heard
  // (milliseconds to the first sound), done (the server's message), and at last ended or stopped (the seconds that
  // were heard), or failed (an error). Called from a click or a key: a page may only sound then.
  say(line, on = {}) {
    this.stop();
    const current = { on, id: null, stream: null };
    this.#current = current;
    this.#setState("waiting");
    this.#player.start().catch((error) => this.#fail(current, { code: "no_sound", message: error.message }));
    current.id = this.#connection.say(
      { ...line, timestamps: true, sample_rate: this.#player.rate },
      {
        onStarted: (message) => {
          current.stream = message.stream;
          if (current === this.#current) on.started?.(message);
        },
        onWords: ({ words }) => current === this.#current && on.words?.(words),
        onDone: (message) => current === this.#current && on.done?.(message),
        onCancelled: () => this.#fail(current, { code: "cut" }), // by the server: a stop from here left it before
        onError: (message) => this.#fail(current, message),
      },
    );
  }

  stop() {
    if (!this.#current) return;
    const { id } = this.#current;
    this.#leave("stopped");
    this.#connection.cancel(id);
  }

  // Seconds of the current line that were heard.
  get position() {
    const stream = this.#current?.stream ?? null;
    return stream === null ? 0 : this.#player.position(stream);
  }

  #isCurrent(stream) {
    return stream === this.#current?.stream;
  }

  #firstHeard() {
    this.#setState("speaking");
    this.#current.on.heard?.(this.#player.stats.firstAudioMs);
  }

  #fail(current, error) {
    if (current !== this.#current) return;
    this.#leave("stopped");
    current.on.failed?.(error);
  }

  #leave(how) {
    const { on } = this.#current;
    const position = this.position;
    this.#current = null;
    this.#setState("idle");
    on[how]?.(position);
  }

  #setState(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
