/** What Dash puts into the global scope, or reads from it. */
interface Window {
  dash_clientside: any;
  dashMantineFunctions: any;
}
declare const React: any;
