import type * as en from '../en'
import { josa } from '../josa'

export const push: typeof en.push = {
  verb: '올리기',
  title: (name) => `${name} 올리기`,
  name: '레지스트리에서 쓸 이름',
  explain: 'ghcr.io/me/app:1처럼 어디에 올릴지 쓰세요. 이름 안에 레지스트리가 있어요.',
  as: (host, user) => `${host}에 ${josa(user, '으로/로')} 올려요`,
  anonymous: (host) => `${host}에 로그인하지 않았어요`,
  newName: '아직 이 이미지에 없는 이름이에요. 여기에서도 이 이름을 붙여요.',
  blobs: '보내는 것',
  sent: '보낸 양',
  phases: { waiting: '기다림', pushing: '이미 있는지 묻는 중', done: '보냄', alreadyThere: '이미 있음', mounted: '옆 저장소에서 가져감' },
  asking: '무엇이 없는지 묻는 중',
  notSent: (size) => `${size} 보내지 않음`,
  done: (name) => `이제 ${josa(name, '이/가')} 이 이미지를 가리켜요`,
  doneIn: (time) => `${time} 만에 올렸어요`,
  canceled: '취소했어요. 레지스트리의 이름은 그대로예요.',
}

export const archive: typeof en.archive = {
  save: '파일로 저장하기…',
  saveVerb: '저장',
  saveTitle: (n) => (n === 1 ? '이미지를 파일로 저장' : `이미지 ${n}개를 파일로 저장`),
  to: '새 파일',
  toHelp: (size) => `${size}까지 커질 수 있어요. Docker와 Podman에서도 불러올 수 있고, 공유하는 레이어는 한 번만 써요.`,
  writing: '쓰는 중이에요…',
  saveCanceled: '취소했어요. 파일은 만들지 않았어요.',
  saved: (n) => (n === 1 ? '이미지를 저장했어요' : `이미지 ${n}개를 저장했어요`),
  load: '파일에서 불러오기…',
  loadVerb: '불러오기',
  loadTitle: '파일에서 이미지 불러오기',
  from: '파일',
  fromHelp: 'docker save로 만든 파일이나 OCI 레이아웃이에요. 압축한 것도 돼요.',
  reading: '읽으면서 digest를 모두 확인하는 중이에요…',
  loadCanceled: '취소했어요. 이미지와 이름은 그대로예요.',
  loaded: (n) => `이미지 ${n}개가 들어왔어요`,
  unnamed: '이름 없음',
  pathFirst: '경로를 먼저 쓰세요',
}
