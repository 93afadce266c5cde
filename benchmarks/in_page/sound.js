/** `measureSound` gives functions that time how long a click or a hover takes until the page plays sound. */
window.measureSound = async () => {
  const parts = await loadParts();
  const context = new AudioContext();
  const meter = context.createAnalyser();
  meter.fftSize = 256;
  const element = document.getElementById("audio");
  context.createMediaElementSource(element).connect(meter).connect(context.destination);

  const isLoud = (analyser) => {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    return samples.some((value) => Math.abs(value) > 1e-4);
  };
  /** @returns {Promise<number|null>} When a condition became true; null if that takes more than ten seconds. */
  const waitUntil = (isTrue) =>
    new Promise((resolve) => {
      const startedMs = performance.now();
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        const isLate = performance.now() - startedMs > 10_000;
        if (isTrue() || isLate) resolve(isLate ? null : performance.now());
        else channel.port2.postMessage(0);
      };
      channel.port2.postMessage(0);
    });
  const send = (kind, index) => {
    const { x, y } = parts.pixelOf(index);
    sendPointer(kind, x, y);
  };

  window.timeClick = async (index) => {
    element.pause();
    await waitUntil(() => !isLoud(meter));
    send("pointermove", index);
    await new Promise((resolve) => setTimeout(resolve, 60));
    send("pointerdown", index);
    const startedMs = performance.now();
    send("pointerup", index);
    const heardMs = await waitUntil(() => isLoud(meter));
    return parts.playing() === index && heardMs ? heardMs - startedMs : null;
  };
  window.timeHover = async (index) => {
    sendPointer("pointerleave", 0, 0);
    await waitUntil(() => parts.level() < 1e-5);
    const startedMs = performance.now();
    send("pointermove", index);
    const heardMs = await waitUntil(() => parts.previewed() === index && isLoud(parts.analyser()));
    return heardMs ? heardMs - startedMs : null;
  };
  /** Wait until hover to hear is on, or until no preview is being loaded. */
  window.waitForHearing = () => waitUntil(parts.isHearing);
  window.waitForPreviews = () => waitUntil(() => !parts.isLoading());
  /** @returns {number[]} The songs around a song whose previews are decoded. */
  window.readyAround = (start) => {
    const { x, y } = parts.pixelOf(start);
    return parts.around(x, y, 8).filter((index) => index !== start && parts.isDecoded(index));
  };
};
