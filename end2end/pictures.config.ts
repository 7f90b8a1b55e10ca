import config from "./playwright.config";

// `make pictures`: what README.md shows.
export default { ...config, testDir: "pictures", workers: 1 };
