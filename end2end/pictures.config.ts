import config from "./playwright.config";

// `make pictures`: what README.md shows.
export default { ...config, globalSetup: undefined, testDir: "pictures", workers: 1 };
