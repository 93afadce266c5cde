/** What the shaders of the points and of their glow have in common: a song's place now, its colour, and how faded it is. */

import { FADED, MISSING, VERY_FADED } from "./flags.js";
import { FADING } from "./point_style.js";

/** The buffers: a song's place, its place before, its colour number and its flags. */
export const [PLACE, BEFORE, GROUP, FLAGS] = [0, 1, 2, 3];
/** The place before of a song that appears. NaN is not used in shaders: some drivers ignore it. */
export const NOWHERE = 3e38;

export const SONG_SHADER = `#version 300 es
layout(location = ${PLACE}) in vec2 place;
layout(location = ${BEFORE}) in vec2 before;
layout(location = ${GROUP}) in uint group;
layout(location = ${FLAGS}) in uint flags;
uniform vec4 frame;
uniform vec2 size;
uniform float progress;
uniform sampler2D palette;
bool has(int flag) {
  return (int(flags) & flag) != 0;
}
bool appears() {
  return before.x > 1e30;
}
vec2 pixelNow() {
  return ((appears() ? place : mix(before, place, progress)) - frame.xy) * frame.zw;
}
vec3 ownColour() {
  return texelFetch(palette, ivec2(int(group), 0), 0).rgb;
}
float fading() {
  return has(${MISSING}) ? ${FADING.missing} : has(${VERY_FADED}) ? ${FADING.veryFaded} : has(${FADED}) ? ${FADING.faded} : 0.0;
}`;
