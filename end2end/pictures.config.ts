import config from "./playwright.config";

// `make pictures`: the screenshots in README.md.
export default { ...config, globalSetup: undefined, testDir: "pictures", workers: 1 };
