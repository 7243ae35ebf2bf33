"""Pages as readers meet them: in a browser, with a keyboard, without scripts, in a narrow window."""
