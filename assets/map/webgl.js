/** Helpers for WebGL2: programs, textures and framebuffers. */

/** @typedef {{program: WebGLProgram, at: Object<string, WebGLUniformLocation|null>}} Program With the places of its uniforms by name. */
/** @typedef {{texture: WebGLTexture, framebuffer: WebGLFramebuffer, width: number, height: number}} Target What can be drawn into, and read. */

/** How browsers name a graphics card that is a program: SwiftShader, Mesa's llvmpipe and softpipe, Microsoft's WARP. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** @param {HTMLCanvasElement} canvas @returns {WebGL2RenderingContext} @throws {Error} If the browser has no WebGL2. */
export function openWebgl(canvas) {
  const gl = canvas.getContext("webgl2", { antialias: false, depth: false });
  if (!gl) throw new Error("This browser has no WebGL2.");
  return gl;
}

/** @param {WebGL2RenderingContext} gl @returns {boolean} Whether the processor does the work of the graphics card. */
export function isSoftware(gl) {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  // Firefox gives the name without the extension.
  return [gl.RENDERER, names?.UNMASKED_RENDERER_WEBGL].some((name) => name !== undefined && SOFTWARE.test(gl.getParameter(name)));
}

/** Draws one triangle that covers everything. It needs no buffers. */
export const COVER_SHADER = `#version 300 es
void main() {
  gl_Position = vec4(vec2(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1), 0, 1);
}`;

/**
 * @param {WebGL2RenderingContext} gl @param {string} vertexShader @param {string} fragmentShader
 * @returns {Program}
 */
export function compile(gl, vertexShader, fragmentShader) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, vertexShader], [gl.FRAGMENT_SHADER, fragmentShader]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = (gl.getAttachedShaders(program) ?? []).map((shader) => gl.getShaderInfoLog(shader));
    throw new Error(`A shader of the map could not be compiled: ${[...logs, gl.getProgramInfoLog(program)].join(" ")}`);
  }
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0;
  const names = Array.from({ length: count }, (_, i) => gl.getActiveUniform(program, i)?.name.replace("[0]", "") ?? "");
  return { program, at: Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)])) };
}

/**
 * @param {WebGL2RenderingContext} gl @param {number} width @param {number} height
 * @param {number} format Of a pixel, as `texStorage2D` takes it. @param {number} filter `gl.NEAREST` or `gl.LINEAR`.
 * @returns {Target}
 */
export function createTarget(gl, width, height, format, filter) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, filter);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  const framebuffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  return { texture, framebuffer, width, height };
}

/** @param {WebGL2RenderingContext} gl @param {Target|null} target */
export function deleteTarget(gl, target) {
  if (!target) return;
  gl.deleteFramebuffer(target.framebuffer);
  gl.deleteTexture(target.texture);
}

/** Draw into a target from now on; null is the canvas. @param {WebGL2RenderingContext} gl @param {Target|null} target */
export function drawInto(gl, target) {
  gl.bindFramebuffer(gl.FRAMEBUFFER, target?.framebuffer ?? null);
  gl.viewport(0, 0, target?.width ?? gl.drawingBufferWidth, target?.height ?? gl.drawingBufferHeight);
}

/** Remove what was drawn into the current target. @param {WebGL2RenderingContext} gl */
export function clear(gl) {
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT);
}
