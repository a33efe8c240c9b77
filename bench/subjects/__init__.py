"""What is measured: each subject can be started, loaded, asked how far it is, and stopped."""
