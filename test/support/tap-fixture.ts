/** A test file for the contract test of tap: says what tap has put into its environment. */
import t from "tap";

t.pass(`NODE_OPTIONS is ${process.env["NODE_OPTIONS"]}`);
